#!/usr/bin/env bash
# Follows the changes of a nudged server and misses none, across restarts of either side.
# Needs bash 4, curl 7.55 and jq 1.6.
#
#   NUDGED_URL              the server                      [http://127.0.0.1:8787]
#   NUDGED_API_TOKEN        its API token, or
#   NUDGED_API_TOKEN_FILE   a file that holds it            [api-token]
#   NUDGED_CURSOR_FILE      where the cursor is kept; one file for each bot   [cursor]
#
# The guarantee is at-least-once: the cursor is written after a change was handled, so a bot that is
# killed between the two handles that change again. Handle by `seq` where twice would hurt.
# Without a cursor file it begins with the oldest change. To begin with the next one instead, put
# `next` of GET /v1/changes?after=head into the file first.
set -euo pipefail

# Your handling. $1 is one change as JSON. Its payload holds words of strangers (names of branches
# and checks): quote it, never eval it. `return 1` to get the same change again a little later.
handle() {
    jq -ac '{seq, type, payload}' <<<"$1"
}

url=${NUDGED_URL:-http://127.0.0.1:8787}
url=${url%/}
token=${NUDGED_API_TOKEN:-$(cat -- "${NUDGED_API_TOKEN_FILE:-api-token}")}
cursor_file=${NUDGED_CURSOR_FILE:-cursor}

say() { printf 'follow.sh: %s\n' "$*" >&2; }

# Never leaves half a cursor behind.
save() {
    printf '%s\n' "$1" >"$cursor_file.new"
    mv -f -- "$cursor_file.new" "$cursor_file"
}

# Waits a little longer each time, half of it by chance, so that many bots do not come at once.
pause=1
back_off() {
    say "$1; again in at most $pause s"
    local most=$((pause * 1000)) # milliseconds
    local time=$((most / 2 + RANDOM % (most / 2)))
    sleep "$((time / 1000)).$(printf %03d $((time % 1000)))"
    pause=$((pause < 15 ? pause * 2 : 30))
}

cursor=0
if [[ -s $cursor_file ]]; then cursor=$(<"$cursor_file"); fi

while true; do
    # The header comes from a file, not an argument: arguments are visible to all users.
    if ! answer=$(curl -sS --connect-timeout 10 --max-time 60 -G -w '\n%{http_code}' \
        -H @<(printf 'Authorization: Bearer %s\n' "$token") \
        --data-urlencode "after=$cursor" -d wait=30 -d limit=100 "$url/v1/changes"); then
        back_off "no answer from $url"
        continue
    fi
    status=${answer##*$'\n'}
    page=${answer%$'\n'*}
    case $status in
    200) ;;
    410) # Pruned, or the database was restored from a copy: what is gone cannot be followed.
        cursor=$(jq -er .floor <<<"$page") || { say "$url answered 410, not as nudged does" && exit 1; }
        say "cannot go on: $(jq -ac .error.message <<<"$page"). Beginning after $cursor, with the oldest there is"
        save "$cursor"
        continue
        ;;
    408 | 429 | 5??)
        back_off "$url answered $status"
        continue
        ;;
    *)
        say "$url answered $status: $(jq -ac '.error.message?' <<<"$page" 2>/dev/null)"
        exit 1
        ;;
    esac

    # One line a change: the cursor that stands behind it, then the change.
    if ! changes=$(jq -er '.epoch as $epoch | .next as $next
            | (.changes[] | "\($epoch).\(.seq) \(tojson)"), $next' <<<"$page"); then
        back_off "$url did not answer as nudged does"
        continue
    fi
    failed=
    while read -r -u 3 behind change; do
        if [[ -n $change ]] && ! handle "$change"; then
            failed=$behind
            break
        fi
        if [[ $behind != "$cursor" ]]; then
            cursor=$behind
            save "$cursor"
        fi
    done 3<<<"$changes"
    if [[ -n $failed ]]; then
        back_off "the change at $failed could not be handled"
    else
        pause=1
    fi
done
