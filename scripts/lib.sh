# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts share. Sourced from the root of the repository.

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

jobs_allowed() { nproc; }

# configure FOLDER OPTION...: a meson build folder with exactly these options. Costs nothing if
# it already is one; made anew if the options or the compiler differ.
configure() {
    local folder=$1 wanted
    shift
    wanted="CC=${CC-} CFLAGS=${CFLAGS-} $*"
    if [ -f "$folder/build.ninja" ] && [ "$(cat "$folder/.options" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if [ -d "$folder" ] && [ ! -f "$folder/.options" ]; then
        die "$folder is not a folder of scripts/; move it away"
    fi
    rm -rf "$folder"
    mkdir -p "$folder"
    printf '%s\n' "$wanted" >"$folder/.options"
    meson setup "$folder" "$@"
}

compile() { ninja -C "$1" -j "$(jobs_allowed)"; }
