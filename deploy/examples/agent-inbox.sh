#!/usr/bin/env bash
# Prints what nudged has to say to the agent that works on the current git branch, and acknowledges
# it. For the start of an agent's turn; prints nothing when there is nothing.
# Needs bash 4, git, curl 7.55 and jq 1.6.
#
#   NUDGED_URL              the server                      [http://127.0.0.1:8787]
#   NUDGED_API_TOKEN        its API token, or
#   NUDGED_API_TOKEN_FILE   a file that holds it            [api-token]
#   NUDGED_PROJECT          the project's id                [that of the repository of `origin`]
#
# A nudge is acknowledged after it was printed: killed in between, it is printed again next time.
# The body says what failed and quotes what the check said, fenced, as data that is not to be obeyed.
set -euo pipefail

url=${NUDGED_URL:-http://127.0.0.1:8787}
url=${url%/}
token=${NUDGED_API_TOKEN:-$(cat -- "${NUDGED_API_TOKEN_FILE:-api-token}")}

say() { printf 'agent-inbox.sh: %s\n' "$*" >&2; }

# The header comes from a file, not an argument: arguments are visible to all users.
api() {
    curl -sS --fail --connect-timeout 5 --max-time 20 \
        -H @<(printf 'Authorization: Bearer %s\n' "$token") "$@"
}

if ! branch=$(git symbolic-ref --quiet --short HEAD); then
    say "not on a branch, so nothing can be for it"
    exit 0
fi

# Two repositories may have a branch of the same name: keep to ours.
if [[ -n ${NUDGED_PROJECT:-} ]]; then
    ours="project=$NUDGED_PROJECT"
else
    repo=$(git remote get-url origin)
    repo=${repo%/}
    repo=${repo%.git}
    ours=repo=$(sed -E 's#^.*[:/]([^/:]+/[^/]+)$#\1#' <<<"$repo")
fi

nudges=$(api -G --data-urlencode "branch=$branch" --data-urlencode "$ours" -d audience=agent \
    -d state=pending "$url/v1/nudges" | jq -c '.items[]')
[[ -n $nudges ]] || exit 0

while read -r nudge; do
    # Without control characters other than tab and newline: a terminal would obey them.
    jq -r .body <<<"$nudge" | LC_ALL=C tr -d '\000-\010\013-\037\177'
    echo
    api -o /dev/null -X POST "$url/v1/nudges/$(jq -r .id <<<"$nudge")/ack"
done <<<"$nudges"
