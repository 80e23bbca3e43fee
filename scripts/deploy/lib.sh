# shellcheck shell=bash
# The tools that judge and read the Dockerfile, docker-compose.yml and the manifests of Kubernetes. Sourced, never run.

# shellcheck source=scripts/python.sh
source scripts/python.sh

readonly KUSTOMIZE_VERSION=v5.7.1

# with_python_tools: puts what requirements.txt names on PATH and PYTHONPATH; it is installed once, into .tools.
with_python_tools() {
    python_packages "$PWD/.tools/deploy" scripts/deploy/requirements.txt
    export PYTHONPATH=$PYTHON_PACKAGES PYTHONDONTWRITEBYTECODE=1 PATH=$PYTHON_PACKAGES/bin:$PATH
}

# with_kustomize: sets KUSTOMIZE to a kustomize of that version, which Go builds once.
with_kustomize() {
    KUSTOMIZE=$PWD/.tools/bin/kustomize
    [[ $("$KUSTOMIZE" version 2>/dev/null) == "$KUSTOMIZE_VERSION" ]] && return
    command -v go >/dev/null ||
        die "no 'go' found, which builds kustomize once: install Go 1.23 or newer (Debian 13: apt-get install golang)"
    say "building kustomize $KUSTOMIZE_VERSION into .tools (once)"
    GOBIN=$PWD/.tools/bin again go install "sigs.k8s.io/kustomize/kustomize/${KUSTOMIZE_VERSION%%.*}@$KUSTOMIZE_VERSION" ||
        die "Go could not build kustomize $KUSTOMIZE_VERSION"
}

# with_collector: sets COLLECTOR to a collector of OpenTelemetry, which Go builds once for each version of what it is made of.
with_collector() {
    local folder=scripts/deploy/collector sum
    sum=$(cat "$folder"/{go.mod,go.sum,main.go} | cksum | cut -d' ' -f1)
    COLLECTOR=$PWD/.tools/bin/collector-$sum
    [[ ! -x $COLLECTOR ]] || return 0
    command -v go >/dev/null ||
        die "no 'go' found, which builds the collector once: install Go 1.21 or newer, which fetches the version that it needs"
    say "building the collector of OpenTelemetry into .tools (once)"
    (cd "$folder" && again go build -trimpath -o "$COLLECTOR" .) || die "Go could not build $folder"
}
