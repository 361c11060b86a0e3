#!/bin/sh
# A workload for git: a history with branches and merges is packed, cloned, checked and searched.
set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example.org
export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'
git config --global pack.threads 2

git init -q -b main repository
cd repository
write_files() {
    awk -v seed="$1" 'BEGIN {
        srand(seed)
        for (f = 0; f < 40; f++)
            for (line = 0; line < 200; line++)
                printf "%d %d %d\n", f, line, rand() * (line % 10 ? 3 : seed * 1000) >("file" f)
    }'
    git add .
    git commit -q -m "files of $1"
}
for i in 1 2 3 4; do write_files "$i"; done
git checkout -q -b side HEAD~2
echo side >side
git add side
git commit -q -m side
git merge -q -m merge -s ort -X theirs main
git repack -q -adf --depth=50 --window=20
git gc -q
git fsck --full --strict 2>&1
git clone -q --no-local . ../clone
cd ../clone
git log --stat --graph --format='%H %s'
git diff HEAD~1 | sha256sum
git blame file3 | sha256sum
git grep -c ' 1$' | head -n 5
