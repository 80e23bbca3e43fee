"""What no schema of Kubernetes knows: whether the rendered manifests fit the image, and each other."""

import sys
from pathlib import Path

import yaml

import image

found: list[str] = []


def expect(holds: bool, problem: str) -> None:
    if not holds:
        found.append(problem)


def chooses(selector: dict, pod: dict) -> bool:
    """Whether a selector of labels chooses a pod."""
    return bool(selector) and selector.items() <= pod["metadata"]["labels"].items()


def a_set_fits_the_image(name: str, pod: dict, built: image.Image, settings: dict[str, str]) -> None:
    spec, [container] = pod["spec"], pod["spec"]["containers"]
    environment = settings | {variable["name"]: variable.get("value", "") for variable in container["env"]}
    expect(container["command"][0] in built.binaries, f"{name}: the image has no `{container['command'][0]}`")
    user = "{runAsUser}:{runAsGroup}".format_map(spec["securityContext"])
    expect(user == built.user, f"{name}: it runs as {user}, and what the image has is {built.user}'s")
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    expect(built.environment["KOLO_STATE_DIR"] in mounted, f"{name}: its state has no volume")
    needed = 2 * int(environment["KOLO_STOP_TIMEOUT_MS"]) / 1000
    grace = spec["terminationGracePeriodSeconds"]
    expect(grace >= needed, f"{name}: it is killed after {grace} s, and may take {needed:.0f} s")
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for variable, port in [("KOLO_MANAGEMENT", "management"), ("ORDER_HTTP", "http")]:
        listens = environment.get(variable)
        expect(not listens or listens == f"0.0.0.0:{ports.get(port)}", f"{name}: {variable} is not its port `{port}`")
    for probe, path in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]:
        asked = container[probe]["httpGet"]
        expect((asked["path"], asked["port"]) == (path, "management"), f"{name}: its {probe} does not ask {path}")


def main() -> None:
    every = [document for document in yaml.safe_load_all(Path(sys.argv[1]).read_text()) if document]
    of = lambda kind: {each["metadata"]["name"]: each for each in every if each["kind"] == kind}
    built = image.read(Path("Dockerfile"))
    sets, maps, services = of("StatefulSet"), of("ConfigMap"), of("Service")
    pods = {name: each["spec"]["template"] for name, each in sets.items()}
    commands = {pod["spec"]["containers"][0]["command"][0] for pod in pods.values()}
    expect(commands == {"order", "inventory", "payment"}, f"the services that run are {sorted(commands)}")
    for name, each in sets.items():
        pod = pods[name]
        [container] = pod["spec"]["containers"]
        settings: dict[str, str] = {}
        for source in container["envFrom"]:
            asked = source.get("configMapRef")
            expect(not asked or asked["name"] in maps, f"{name}: there is no such map: {asked}")
            settings |= maps[asked["name"]]["data"] if asked and asked["name"] in maps else {}
        a_set_fits_the_image(name, pod, built, settings)
        governing = services.get(each["spec"]["serviceName"])
        expect(governing is not None and chooses(governing["spec"]["selector"], pod), f"{name}: its service does not choose its pods")
    # Whose selector is too wide, or too narrow, is seen nowhere else.
    for kind, selector in [("Service", lambda spec: spec["selector"]), ("PodDisruptionBudget", lambda spec: spec["selector"]["matchLabels"])]:
        for name, each in of(kind).items():
            chosen = [pod for pod in pods.values() if chooses(selector(each["spec"]), pod)]
            expect(len(chosen) == 1, f"{kind} {name}: it chooses the pods of {len(chosen)} sets, not of one")
            ports = {port["name"] for pod in chosen for port in pod["spec"]["containers"][0]["ports"]}
            for port in each["spec"].get("ports", []):
                expect(port["targetPort"] in ports, f"{kind} {name}: no pod has a port `{port['targetPort']}`")
    for name, each in of("NetworkPolicy").items():
        selector = each["spec"]["podSelector"]["matchLabels"]
        expect(any(chooses(selector, pod) for pod in pods.values()), f"NetworkPolicy {name}: it chooses no pod")
    if found:
        raise SystemExit("\n".join(f"manifests: error: {problem}" for problem in found))


main()
