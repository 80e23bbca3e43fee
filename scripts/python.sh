# shellcheck shell=bash
# Packages for Python that are installed once, for scripts that need some. Sourced, never run.

# shellcheck source=scripts/again.sh
source "$(dirname "${BASH_SOURCE[0]}")/again.sh"

# python_packages FOLDER LIST: installs what a requirements.txt names, once for each version of it and of Python, into a folder
# beside FOLDER whose name begins so, and sets PYTHON_PACKAGES to that. The caller has `say` and `die`.
python_packages() {
    local version list=$2
    command -v python3 >/dev/null || die "no 'python3' found: install it (Debian: apt-get install python3 python3-pip)"
    # The packages are built for one version of Python.
    version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    PYTHON_PACKAGES=$1-python$version-$(cksum <"$list" | cut -d' ' -f1)
    [[ ! -d $PYTHON_PACKAGES ]] || return 0
    python3 -m pip --version >/dev/null 2>&1 ||
        die "python3 has no pip, which installs what $list names once: install it (Debian: apt-get install python3-pip)"
    say "installing what $list names (once)"
    rm -rf "$PYTHON_PACKAGES.partial"
    PIP_ROOT_USER_ACTION=ignore again python3 -m pip install --quiet --disable-pip-version-check --no-compile \
        --target "$PYTHON_PACKAGES.partial" --requirement "$list" >&2 ||
        die "pip could not install what $list names, for Python $version"
    mv "$PYTHON_PACKAGES.partial" "$PYTHON_PACKAGES"
}
