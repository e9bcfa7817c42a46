#!/usr/bin/env bash
# Commits what the release watch found in this checkout and opens a pull request with it.
#
#   .github/scripts/propose.sh REPORT.md...
#
# Measurements get a branch of their own per run, so that none is lost while an earlier pull
# request waits. A mere refresh of the snapshot of the package index replaces the one before.
# Needs GH_TOKEN (contents and pull requests: write) and GITHUB_RUN_ID.
set -euo pipefail

git add --all -- measurements
if git diff --cached --quiet; then
    echo "Nothing is new."
    exit 0
fi
if git diff --cached --quiet -- . ':!measurements/releases.json'; then
    branch=release-watch/snapshot
    title="Refresh the snapshot of the package index"
else
    branch="release-watch/${GITHUB_RUN_ID:?}"
    title="Add measurements of new releases"
fi

body=$(mktemp)
trap 'rm -f "$body"' EXIT
for report in "$@"; do
    if [ -f "$report" ]; then
        # A pull request's text has at most 65,536 characters; the whole report is in the commit.
        head --bytes=30000 "$report" | iconv --from-code=utf-8 --to-code=utf-8 -c >>"$body"
        printf '\n\n' >>"$body"
    fi
done
if [ ! -s "$body" ]; then
    echo "No release is newer than those that are measured." >"$body"
fi

git -c user.name='github-actions[bot]' \
    -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
    commit --quiet --message "$title"
git push --quiet --force origin "HEAD:refs/heads/$branch"
open=$(gh pr list --head "$branch" --state open --json number --jq '.[].number')
if [ -n "$open" ]; then
    gh pr edit "$open" --title "$title" --body-file "$body"
else
    gh pr create --head "$branch" --base main --title "$title" --body-file "$body"
fi
