# Bash completion for mallow(1).

_mallow() {
    local word=${COMP_WORDS[COMP_CWORD]}
    local options='--check --guard --exec --no-summary --json --log= --no-control --help --version'
    COMPREPLY=()

    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'run trim stats info leaks mtrace symbolize help --help --version' -- "$word")
        return
    fi
    case ${COMP_WORDS[1]} in
    run) ;;
    trim | stats | info | leaks)
        options='--json --help --version'
        [[ ${COMP_WORDS[1]} == trim ]] && options+=' --pad='
        if [[ ${COMP_WORDS[1]} == leaks ]]; then
            options+=' --reachable --possible --suppressions= --limit='
            if [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || $word == = ]]; then
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
                return
            fi
        fi
        [[ $word == -* ]] || options=$(cd /proc && echo [0-9]*)
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
        return
        ;;
    mtrace)
        if [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '--json --help --version' -- "$word")
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
        return
        ;;
    help)
        mapfile -t COMPREPLY < <(compgen -W 'run trim stats info leaks mtrace symbolize' -- "$word")
        return
        ;;
    symbolize)
        mapfile -t COMPREPLY < <(compgen -W '--help --version' -- "$word")
        return
        ;;
    *) return ;;
    esac

    # Readline splits words at "=", so --log=FILE is three words: --log, =, FILE.
    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || $word == = ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
        return
    fi

    # After the options, complete the program, and then the program's own arguments.
    local i=2
    while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == --?* || ${COMP_WORDS[i]} == = ||
        ${COMP_WORDS[i - 1]} == = ]]; do
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
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}

complete -F _mallow mallow
