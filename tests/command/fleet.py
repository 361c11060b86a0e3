#!/usr/bin/python3
"""The files of examples/fleet agree with the command: metrics, options, paths and libraries exist.

Usage: fleet.py MALLOW LIBRARY TARGET SOURCE
"""

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

MALLOW, LIBRARY, TARGET, SOURCE = sys.argv[1:]
FLEET = Path(SOURCE) / "examples" / "fleet"
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "MALLOW_SERVE_TOKEN", "MALLOW_PUSH_TOKEN":
    os.environ.pop(name, None)
try:
    import yaml
except ImportError:
    yaml = None


def read(name):
    return (FLEET / name).read_text()


def metrics_of(pid):
    """Returns the text of /metrics."""
    server = subprocess.Popen([MALLOW, "serve", "--listen=127.0.0.1:0", str(pid)],
                              stderr=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", server.stderr.readline())[0]
        with urllib.request.urlopen(url + "metrics", timeout=60) as answer:
            return answer.read().decode()
    finally:
        server.terminate()
        server.wait()


# ---- Prometheus and Grafana ----

def knows_metrics(text, metrics):
    """All metrics in the text, and their labels with values, are served."""
    names = set(re.findall(r"^# TYPE (\S+)", metrics, re.M))
    used = set(re.findall(r"\bmallow_[a-z_]+", text))
    assert used and used <= names, used - names
    for name, label, value in re.findall(r'(mallow_[a-z_]+)\{[^}]*?([a-z]+)=\\?"([a-z]+)\\?"', text):
        assert re.search(rf'^{name}\{{.*{label}="{value}"', metrics, re.M), (name, label, value)


def alerts_are_valid(metrics):
    knows_metrics(read("alerts.yml"), metrics)
    if yaml:
        for rule in [rule for group in yaml.safe_load(read("alerts.yml"))["groups"]
                     for rule in group["rules"]]:
            assert {"alert", "expr", "labels", "annotations"} <= set(rule), rule
            for one, other in "()", "[]", "{}":
                assert rule["expr"].count(one) == rule["expr"].count(other), rule
            assert "summary" in rule["annotations"] and "severity" in rule["labels"]
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "rules", FLEET / "alerts.yml"], check=True)


def dashboard_is_valid(metrics):
    text = json.loads(read("dashboard.json"))
    queries = [target["expr"] for panel in text["panels"] for target in panel["targets"]]
    knows_metrics("\n".join(queries), metrics)
    knows_metrics(text["templating"]["list"][1]["query"]["query"], metrics)
    assert len({panel["id"] for panel in text["panels"]}) == len(text["panels"])
    places = set()
    for panel in text["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places and max(cells)[0] < 24, panel["title"]
        places |= cells


# ---- the command ----

def knows_options(words):
    """The words are arguments of the command: a subcommand, and options that its help lists."""
    help_text = subprocess.run([MALLOW, words[0], "--help"], capture_output=True, text=True,
                               check=True).stdout
    for word in itertools.takewhile(lambda word: word.startswith("--"), words[1:]):
        option = re.escape(word.partition("=")[0])
        assert re.search(rf"^  (-\w, )?{option}\b", help_text, re.M), (words, word)


def options_are_accepted(options):
    """The library has no complaint about the settings."""
    result = subprocess.run(["true"], capture_output=True, text=True,
                            env={**os.environ, "LD_PRELOAD": LIBRARY, "MALLOW_OPTIONS": options})
    assert result.returncode == 0 and not result.stderr, result


def units_are_valid(folder, pid):
    found = 0
    for name in "shop.service", "mallow-serve@.service":
        text = read(name)
        for words in re.findall(r"/usr/local/bin/mallow (.*)", re.sub("(?m)^#.*", "", text)):
            knows_options(words.split())
            found += 1
        for options in re.findall(r"MALLOW_OPTIONS=(\S*)", text):
            options_are_accepted(options)
        (folder / name).write_text(text.replace("/usr/local/bin/mallow", MALLOW))
    assert found == 2
    (folder / "mallow-serve@shop.service").symlink_to("mallow-serve@.service")
    if shutil.which("systemd-analyze"):
        for name in "shop.service", "mallow-serve@shop.service":
            result = subprocess.run(["systemd-analyze", "verify", "--man=no", folder / name],
                                    capture_output=True, text=True)
            assert str(folder) not in result.stderr and result.returncode == 0, result.stderr
    serves_a_unit(folder, pid)


def serves_a_unit(folder, pid):
    """Runs the command of the unit, with a systemctl that knows the process."""
    line = re.search("(?m)^ExecStart=(.*)", (folder / "mallow-serve@.service").read_text())[1]
    words = [word.replace("$$", "$").replace("%i", "shop") for word in shlex.split(line)]
    words[2] = words[2].replace("serve ", "serve --listen=127.0.0.1:0 ")
    fake = folder / "systemctl"
    fake.write_text(f'#!/bin/sh\n[ "$*" = "show --property=MainPID --value shop.service" ] && echo {pid}\n')
    fake.chmod(0o755)
    server = subprocess.Popen(words, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
    assert "listening on" in server.stderr.readline()
    server.terminate()
    assert server.wait(60) == 0


def pod_is_valid():
    if not yaml:
        return
    pod = yaml.safe_load(read("pod.yaml"))
    spec = pod["spec"]
    assert pod["kind"] == "Pod" and spec["shareProcessNamespace"]
    volumes = {volume["name"] for volume in spec["volumes"]}
    containers = {one["name"]: one for one in spec["initContainers"] + spec["containers"]}
    for one in containers.values():
        assert {mount["name"] for mount in one["volumeMounts"]} <= volumes
    (mount,) = containers["shop"]["volumeMounts"]
    env = {one["name"]: one.get("value") for one in containers["shop"]["env"]}
    assert env["LD_PRELOAD"] == mount["mountPath"] + "/libmallow.so"
    options_are_accepted(env["MALLOW_OPTIONS"])
    _, source, target = containers["library"]["command"]
    assert Path(source).name == "libmallow.so" and target == mount["mountPath"] + "/"
    serve = containers["serve"]
    knows_options(serve["args"])
    port = str(serve["ports"][0]["containerPort"])
    assert serve["args"][1].endswith(":" + port)
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == port
    help_text = subprocess.run([MALLOW, "serve", "--help"], capture_output=True, text=True).stdout
    assert all(one["name"] in help_text + "XDG_CACHE_HOME" for one in serve["env"])


# ---- profilers, and the image ----

def profilers_know_paths(pid):
    for name in "parca.yaml", "alloy.river":
        for path in re.findall(r'/debug/pprof/(\w+)', read(name)):
            assert path in ("heap", "allocs", "growth"), (name, path)
    if yaml:
        config = yaml.safe_load(read("parca.yaml"))["scrape_configs"][0]["profiling_config"]
        assert any(one["enabled"] for one in config["pprof_config"].values())
    assert read("alloy.river").count("{") == read("alloy.river").count("}")


def image_has_the_libraries():
    """The last stage installs the packages of all libraries that the command is linked with."""
    text = read("Dockerfile")
    for source in re.findall(r"^COPY (?!--from)(\S+) ", text, re.M):
        assert (Path(SOURCE) / source).exists(), source
    last = text[text.rindex("\nFROM "):]
    if not shutil.which("dpkg") or not Path("/etc/debian_version").read_text().startswith("12"):
        return
    needed = set()
    for program in MALLOW, Path(MALLOW).parent / "mallow-serve":
        dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True).stdout
        needed |= set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    paths = dict(re.findall(r"(\S+) => (\S+)", subprocess.run(
        ["ldd", Path(MALLOW).parent / "mallow-serve"], capture_output=True, text=True).stdout))
    for library in needed - {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}:
        owner = subprocess.run(["dpkg", "-S", os.path.realpath(paths[library])],
                               capture_output=True, text=True).stdout.partition(":")[0]
        assert re.search(rf"\s{re.escape(owner)}\s", last), (library, owner)


def main():
    target = subprocess.Popen([TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "LD_PRELOAD": LIBRARY,
                                   "MALLOW_OPTIONS": "control=on,sample=1"})
    with tempfile.TemporaryDirectory() as name:
        try:
            target.stdin.write("keep 1\n")
            target.stdin.flush()
            target.stdout.readline()
            metrics = metrics_of(target.pid)
            alerts_are_valid(metrics)
            dashboard_is_valid(metrics)
            units_are_valid(Path(name), target.pid)
            pod_is_valid()
            profilers_know_paths(target.pid)
            image_has_the_libraries()
        finally:
            target.kill()
            target.wait()


main()
