# shellcheck shell=bash
# The steps of a test run: each is announced and timed, and is stopped if this script is.

scratch=$(mktemp -d)
step_group=
failed_steps=()
tests_passed=0
tests_failed=0
tests_skipped=0

# Whatever ends this script ends what it has started, and undoes what it has changed.
clean_up() {
    local status=$?
    trap - EXIT INT TERM HUP
    if [[ $step_group ]]; then
        kill -TERM -- "-$step_group" 2> /dev/null || true
        wait "$step_group" 2> /dev/null || true
    fi
    allow_services
    remove_unfinished_root
    rm -rf "$scratch"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Prints a message that ends the run. give_up STATUS LINE...
give_up() {
    local status=$1
    shift
    printf 'tests/run: %s\n' "$@" >&2
    exit "$status"
}

# Runs a command in a process group of its own, so that the traps above work meanwhile and reach all of it.
in_group() {
    local status=0
    set -m
    "$@" < /dev/null 9>&- &
    step_group=$!
    set +m
    wait "$step_group" || status=$?
    step_group=
    return "$status"
}

# Runs a command that is only worth reading about if it fails.
quietly() {
    if ! in_group "$@" > "$scratch/log" 2>&1; then
        cat "$scratch/log" >&2
        return 1
    fi
}

# step NAME COMMAND...: a failure is remembered, and the next step runs all the same.
step() {
    local name=$1 start=$SECONDS
    shift
    printf '\n=== %s\n' "$name"
    if in_group "$@"; then
        printf '=== %s: ok, %s s\n' "$name" $((SECONDS - start))
    else
        printf '=== %s: FAILED, %s s\n' "$name" $((SECONDS - start))
        failed_steps+=("$name")
    fi
}

# The same for a command whose tests are to be counted.
test_step() {
    local name=$1
    shift
    step "$name" logged "$@"
    count_tests < "$scratch/tests"
}

logged() {
    set -o pipefail
    "$@" 2>&1 | tee "$scratch/tests"
}

# Adds up the closing lines of nextest ("5 tests run: 3 passed, 1 failed, 1 timed out, 2 skipped") and of
# cargo test ("test result: ok. 3 passed; 1 failed; 2 ignored; ...").
count_tests() {
    local line run passed
    while IFS= read -r line; do
        if [[ $line =~ Summary.*\ ([0-9]+)(/[0-9]+)?\ tests?\ run:\ ([0-9]+)\ passed ]]; then
            run=${BASH_REMATCH[1]} passed=${BASH_REMATCH[3]}
            tests_passed=$((tests_passed + passed))
            tests_failed=$((tests_failed + run - passed))
            [[ $line =~ ([0-9]+)\ skipped ]] && tests_skipped=$((tests_skipped + BASH_REMATCH[1]))
        elif [[ $line =~ ^test\ result:.*\ ([0-9]+)\ passed\;\ ([0-9]+)\ failed\;\ ([0-9]+)\ ignored ]]; then
            tests_passed=$((tests_passed + BASH_REMATCH[1]))
            tests_failed=$((tests_failed + BASH_REMATCH[2]))
            tests_skipped=$((tests_skipped + BASH_REMATCH[3]))
        fi
    done
}

# Says how it went, and ends.
finish() {
    printf '\n%s s in all\n' "$SECONDS"
    if ((tests_passed == 0)); then
        failed_steps+=('no test passed')
    fi
    if ((${#failed_steps[@]})); then
        printf 'FAILED: %s\n' "${failed_steps[@]}"
    fi
    printf 'tests: %s passed, %s failed, %s skipped\n' \
        "$tests_passed" "$tests_failed" "$tests_skipped"
    exit $((${#failed_steps[@]} > 0))
}
