# Bash completion for mallow(1). Subcommands and options come from the command's own help.

# Prints the subcommands or, for a subcommand, its options.
_mallow_words() {
    "$@" --help 2>/dev/null | sed -nE 's/^  (-[a-zA-Z], )?([a-z-]+=?).*/\2/p'
}

_mallow() {
    local command=${1/#\~/$HOME} word=${COMP_WORDS[COMP_CWORD]} words usage i=2
    COMPREPLY=()

    if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help ]]; then
        words=$(_mallow_words "$command")
        ((COMP_CWORD == 1)) || words=$(grep -v '^-' <<<"$words")
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    usage=$("$command" "${COMP_WORDS[1]}" --help 2>/dev/null) || return
    usage=${usage%%$'\n'*}

    # Readline splits words at "=", so --log=FILE is three words: --log, =, FILE.
    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || $word == = ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
        return
    fi

    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -o ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi

    # After the options, complete the program, and then the program's own arguments.
    if [[ $usage == *ARGUMENT...* ]]; then
        while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == --?* || ${COMP_WORDS[i]} == = ||
            ${COMP_WORDS[i - 1]} == = || ${COMP_WORDS[i]} == -o ||
            ${COMP_WORDS[i - 1]} == -o ]]; do
            ((i++))
        done
        [[ ${COMP_WORDS[i]} == -- && $i -lt $COMP_CWORD ]] && ((i++))
        if ((i < COMP_CWORD)) || [[ $word != -* ]]; then
            if declare -F _command_offset >/dev/null; then
                _command_offset "$i"
            else
                mapfile -t COMPREPLY < <(compgen -c -- "$word")
            fi
            return
        fi
    fi

    if [[ $word == -* ]]; then
        words=$(_mallow_words "$command" "${COMP_WORDS[1]}")
    elif [[ $usage == *FILE* && $word != [0-9]* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    elif [[ $usage == *PID* ]]; then
        words=$(cd /proc && echo [0-9]*)
    elif [[ $usage == *LOG* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}

complete -F _mallow mallow
