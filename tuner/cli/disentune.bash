# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of disentune for bash: verbs, options, suites, operations, variants.

_disentune() {
    local word=$2 previous=$3 verb=${COMP_WORDS[1]} choices
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(disentune --help 2>/dev/null |
            sed -n 's/^  \([a-z]*\) .*/\1/p') --help --version" -- "$word")
        return
    fi
    case $previous in
    --suite)
        mapfile -t COMPREPLY < <(compgen -W "deberta-v3 deberta-v1 edge smoke power" -f -- "$word")
        return
        ;;
    --format | -f)
        choices="jsonl c"
        [ "$verb" != report ] || choices=$(disentune report --help 2>/dev/null |
            sed -n '/^Formats/,$s/^  \([a-z-]*\) .*/\1/p')
        ;;
    --op) choices="bias softmax gemm attention probe" ;;
    --strategy) choices="race exhaustive random" ;;
    --variant)
        choices=$(disentune list 2>/dev/null | sed -n 's/^\([a-z]*\.[^ ]*\) .*/\1/p')
        ;;
    db) choices="merge export import gc check" ;;
    --table | --json | --db | --report | --record | --output | -o | --topology | --markdown | \
        --junit)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --golden)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --problem | --base | --delta | --threads | --seed | \
        --kind | --budget | --tile | --seconds | --name) return ;;
    --keep | --since | --runs | --slowdown | --seeds | --prove-aa) return ;;
    *)
        choices=$(disentune "$verb" --help 2>/dev/null | sed -n 's/.*\(--[a-z-]*\).*/\1/p')
        if [[ $word != -* ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

complete -o filenames -F _disentune disentune
