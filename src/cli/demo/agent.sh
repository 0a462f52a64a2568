#!/bin/sh
# The agent of the show: agent.sh NUDGED PROMPT. It commits its work, and mends what it is told is broken.
nudged=$1

report() {
    printf '{"hook_event_name": "%s", "session_id": "show", "prompt": "%s"}' "$1" "$2" |
        "$nudged" activity --harness claude-code
}

work() {
    echo "$1" >>nozzle.txt
    git add nozzle.txt
    git -c user.name=Agent -c user.email=agent@example.org commit --quiet --message "$2"
    printf '● committed: %s\n\n❯ ' "$2"
    report Stop ''
}

printf '❯ %s\n' "$2"
report UserPromptSubmit ''
work water 'Cool the nozzle'
while IFS= read -r line; do
    case $line in
    *'[nudge '*)
        id=${line#*'[nudge '}
        report UserPromptSubmit "[nudge ${id%%]*}]"
        printf '\n● CI is red. I read the log, and mend the nozzle.\n'
        work 'more water' 'Mend the test of the nozzle'
        ;;
    esac
done
