# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used by the scripts that source this file
# What start, stop and status share. Sourced, never run.
#
# A broker is a folder `.kafka/NAME`: its settings, data, log and pid. The jars stand beside them in
# `.kafka/.jars`, once for all brokers, and locks in `.kafka/.locks`; a broker's name cannot begin with a dot.

# shellcheck source=scripts/again.sh
source "$(dirname "${BASH_SOURCE[0]}")/../again.sh"

readonly KAFKA_VERSION=4.3.1
readonly KAFKA_SCALA=2.13
readonly SLF4J_VERSION=1.7.36
readonly MAVEN_DEPENDENCY_PLUGIN=3.8.1
readonly JAVA_AT_LEAST=17

readonly KAFKA_DEFAULT_NAME=default
readonly KAFKA_DEFAULT_PORT=9092
readonly KAFKA_DEFAULT_HEAP=1g

KAFKA_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.kafka
readonly KAFKA_ROOT
readonly KAFKA_JARS=$KAFKA_ROOT/.jars/$KAFKA_VERSION

# People read stderr; stdout is kept for what other programs read.
say() { printf 'kafka: %s\n' "$*" >&2; }
die() { printf 'kafka: error: %s\n' "$*" >&2; exit 1; }
usage_error() { printf 'kafka: error: %s\n       %s --help says what is possible\n' "$*" "$0" >&2; exit 2; }

# use_broker NAME: names the broker that the rest of this file speaks about.
use_broker() {
    [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$ ]] ||
        usage_error "'$1' is no broker name: letters, digits, '.', '_' and '-', the first a letter or digit"
    NAME=$1
    BROKER=$KAFKA_ROOT/$NAME
    LOG=$BROKER/broker.log
    # Marks the process as this broker's, whatever its pid: a pid in a file may long be somebody else's.
    MARK=-Dkolo.kafka.broker=$BROKER
    PORT='' CONTROLLER_PORT='' SECURE_PORT='' MUTUAL_PORT='' HEAP=''
    if [[ -f $BROKER/settings ]]; then
        local key value
        while IFS='=' read -r key value; do
            case $key in
                port) PORT=$value ;;
                controller_port) CONTROLLER_PORT=$value ;;
                secure_port) SECURE_PORT=$value ;;
                mutual_port) MUTUAL_PORT=$value ;;
                heap) HEAP=$value ;;
            esac
        done <"$BROKER/settings"
    fi
}

# Prints the arguments of a live process, one a line; nothing for a dead or a zombie one.
process_arguments() {
    if [[ -d /proc/self ]]; then
        tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline"
    else
        ps -ww -o args= -p "$1" 2>/dev/null | tr ' ' '\n'
    fi
}

# broker_pid: prints the pid of the running broker, or fails.
broker_pid() {
    local pid
    [[ -f $BROKER/pid ]] || return 1
    read -r pid <"$BROKER/pid" || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    process_arguments "$pid" 2>/dev/null | grep -qxF -- "$MARK" || return 1
    printf '%s\n' "$pid"
}

address() { printf '127.0.0.1:%s\n' "$PORT"; }

# accepts PORT: does anything listen there?
accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

java_command() {
    if [[ -n ${JAVA_HOME:-} ]]; then printf '%s/bin/java\n' "$JAVA_HOME"; else printf 'java\n'; fi
}

require_java() {
    local java first version
    java=$(java_command)
    command -v "$java" >/dev/null ||
        die "no '$java' found: install Java $JAVA_AT_LEAST or newer (Debian: apt-get install default-jre-headless), or set JAVA_HOME"
    first=$("$java" -version 2>&1 | grep -m1 ' version "') || die "'$java -version' does not name its version"
    version=${first#*\"}
    version=${version%%[.\"-]*}
    [[ $version =~ ^[0-9]+$ ]] || die "'$java -version' says: $first"
    ((version >= JAVA_AT_LEAST)) ||
        die "Kafka $KAFKA_VERSION needs Java $JAVA_AT_LEAST or newer, '$java' is: $first (set JAVA_HOME to a newer one)"
}

# Downloads beside the final place and moves, so that a broken download is never taken for a whole one.
fetch_jars() {
    [[ -d $KAFKA_JARS ]] && return
    command -v mvn >/dev/null ||
        die "no 'mvn' found, which downloads Kafka once: install Maven (Debian: apt-get install maven)"
    local work=$KAFKA_JARS.partial log=$KAFKA_ROOT/.jars/download.log
    rm -rf "$work"
    mkdir -p "$work"
    cat >"$work/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>kolo</groupId>
  <artifactId>kafka-for-development</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_$KAFKA_SCALA</artifactId><version>$KAFKA_VERSION</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$KAFKA_VERSION</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>$SLF4J_VERSION</version></dependency>
  </dependencies>
</project>
POM
    say "downloading Kafka $KAFKA_VERSION into .kafka/.jars (once)"
    if ! again mvn --batch-mode --quiet --file "$work/pom.xml" \
        "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN:copy-dependencies" \
        -DincludeScope=runtime "-DoutputDirectory=$work" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "Maven could not download Kafka; its whole output: $log"
    fi
    mv "$work" "$KAFKA_JARS"
}

# kafka_tool SECONDS CLASS ARG...: runs one of Kafka's own tools, for so long at most. Short-lived, so without the
# optimising compiler.
kafka_tool() {
    timeout "$1" "$(java_command)" -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
        -cp "$BROKER/config:$KAFKA_JARS/*" "${@:2}"
}

# answers: does the broker answer a metadata request, and name itself as a live broker? An open port alone does not prove
# that. The request is spelt out, since every start of a Java tool costs a second: its length, Metadata version 1,
# correlation id 1, no client id, no topics. The answer begins with its length, that id, and the number of brokers.
answers() {
    local begin
    begin=$(
        exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$PORT" || exit 1
        printf '\0\0\0\016\0\03\0\01\0\0\0\01\377\377\0\0\0\0' >&3
        timeout 5 head -c 12 <&3 | od -An -v -tx1 | tr -d ' \n'
    ) && [[ $begin == ????????0000000100000001 ]]
}
