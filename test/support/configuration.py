"""openssl.cnf files for tests: default, and akma once or under several names.

SPDX-License-Identifier: Apache-2.0
"""

from collections.abc import Mapping
from pathlib import Path


def write_config(
    path: Path, instances: Mapping[str, Mapping[str, str]], properties: str = ""
) -> Path:
    """Write a file that activates default and the instances; name -> keys of its section. Properties: the default."""
    lines = ["openssl_conf = init", "[init]", "providers = providers"]
    if properties:
        lines += ["alg_section = algorithms", "[algorithms]", f"default_properties = {properties}"]
    lines += ["[providers]"]
    lines += ["default = default_section"]
    lines += [f"{name} = section_{number}" for number, name in enumerate(instances)]
    lines += ["[default_section]", "activate = 1"]
    for number, keys in enumerate(instances.values()):
        lines += [f"[section_{number}]", "module = akma.so", "activate = 1"]
        lines += [f"{key} = {value}" for key, value in keys.items()]
    path.write_text("\n".join(lines) + "\n")
    return path
