#!/bin/sh
# A scripted agent: agent.sh LOG WAY CONVERSATION [PROMPT]
#
# It writes a line to LOG for all that happens: `start …`, `env NAME=VALUE`, `said LINE`, `end`. A line that it is told
# may order it about: `exit N`, `litter` (leaves a process in a session of its own), `write FILE` (uncommitted work),
# `commit FILE` (committed work). Where there is a file
# LOG.lost, no conversation can be taken up.
LOG=$1 WAY=$2 CONVERSATION=$3 PROMPT=${4-}

log() { printf '%s\n' "$*" >>"$LOG"; }

trap 'log end; exit 0' TERM HUP
env | sort | sed 's/^/env /' >>"$LOG"
log "start $WAY $CONVERSATION pid=$$ cwd=$PWD prompt=$PROMPT"
if [ "$WAY" = resume ] && [ -e "$LOG.lost" ]; then
    echo "No conversation found with session ID: $CONVERSATION"
    exit 1
fi
echo "ready"
while IFS= read -r line; do
    log "said $line"
    case $line in
    exit*) exit "${line#exit }" ;;
    litter*) setsid sleep 600 </dev/null >/dev/null 2>&1 & ;;
    write*) echo words >"${line#write }" ;;
    commit*)
        echo words >"${line#commit }"
        git add -- "${line#commit }"
        git -c user.name=a -c user.email=a@example.org commit -qm work
        ;;
    esac
    log "done $line"
done
log end
