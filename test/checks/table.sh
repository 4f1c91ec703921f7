# Run checks side by side and close with a table of them; sourced, not run.
#
#   choose <checks> [name ...]                          the lines of those names, or all of them
#   run_table <jobs> <folder for the logs> <checks>     status 1 where a check failed
#
# A line of <checks> is <name>|<command>. The last line that a check prints begins with what it counted, such as
# "2866 passed"; one that counted nothing has failed, whatever it returned. A line of pytest's has to count tests that passed.
# A check without an end after AKMA_LIMIT minutes, default 60, has failed, too: the table says so.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

: "${root:?the folder of the project}"

choose() {
    all=$1
    shift
    [ $# -gt 0 ] || printf '%s\n' "$all"
    for name; do
        printf '%s\n' "$all" | grep "^$name|" || {
            echo "no such check: $name; there are: $(printf '%s\n' "$all" | cut -d '|' -f 1 | tr '\n' ' ')" >&2
            return 2
        }
    done
}

# counts <the last line of a check>
counts() {
    if echo "$1" | grep -q -E ' in [0-9.]+s( \(.*\))?$'; then # pytest's
        echo "$1" | grep -q -E '(^|[^0-9])[1-9][0-9]* passed'
    else
        echo "$1" | grep -q '^[^0-9]*[1-9]'
    fi
}

# run_row <folder> <name> <command>
run_row() {
    echo "=== $2: $3"
    began=$(date +%s)
    timeout --kill-after=60 "${AKMA_LIMIT:-60}m" sh -c "$3" >"$1/$2.log" 2>&1 </dev/null && status=0 || status=$?
    counted=$(sed -e 's/\x1b\[[0-9;]*m//g' -e 's/[=|]//g' -e 's/^ *//; s/ *$//' -e '/^$/d' "$1/$2.log" | tail -n 1)
    case $status in
    0)
        verdict=passed
        counts "$counted" || verdict="**failed**: counted nothing"
        ;;
    124 | 137) verdict="**failed**: no end after ${AKMA_LIMIT:-60} minutes" ;;
    *) verdict="**failed**: status $status" ;;
    esac
    minutes=$(awk -v seconds="$(($(date +%s) - began))" 'BEGIN { printf "%.1f", seconds / 60 }')
    echo "=== $2: $verdict, $minutes minutes, log in $1/$2.log"
    [ "$verdict" = passed ] || sed "s/^/$2: /" "$1/$2.log" | tail -n 80
    echo "| $2 | $verdict | $minutes | $counted |" >"$1/$2.row"
}

run_table() {
    jobs=$1 logs=$2 checks=$3
    export root
    rm -rf "$logs"
    mkdir -p "$logs"
    # Each in a shell of its own, which reads this file: xargs starts as many at a time as there are jobs.
    # shellcheck disable=SC2016 # for that shell
    printf '%s\n' "$checks" | tr '\n' '\0' | xargs -0 -P "$jobs" -n 1 \
        sh -c '. "$1" && run_row "$2" "${3%%|*}" "${3#*|}"' sh "$root/test/checks/table.sh" "$logs" ||
        echo "a check could not be started" # its row says so as well
    printf '%s\n' "$checks" | cut -d '|' -f 1 >"$logs/names"
    while read -r name; do
        [ -e "$logs/$name.row" ] || echo "| $name | **failed**: did not run | | |" >"$logs/$name.row"
        cat "$logs/$name.row"
    done <"$logs/names" >"$logs/table"
    all=$(wc -l <"$logs/table")
    failed=$(grep -c -v '^| [^|]* | passed |' "$logs/table") || [ $? -eq 1 ] # none
    echo "checks: $((all - failed)) passed, $failed failed"
    echo
    echo "| check | verdict | minutes | what it counted |"
    echo "|---|---|---|---|"
    cat "$logs/table"
    [ "$failed" -eq 0 ]
}
