"""Runs llama.cpp for the bench, by the protocol of `src/worker.rs`.

usage: llama_cpp_worker.py GGUF THREADS WORKLOAD
"""

import ctypes
import importlib.metadata
import json
import sys
import time

import llama_cpp

# Tokens that llama.cpp reads at once, as it does by default.
BATCH = 512


class Engine:
    """A model and a sequence, driven through the C interface, so that Python costs microseconds."""

    def __init__(self, path, threads, shape):
        self.shape = shape
        encoder = shape["kind"] == "encoder"
        model = llama_cpp.llama_model_default_params()
        model.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), model)
        if not self.model:
            raise RuntimeError(f"{path} does not load")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = shape["prompt"] + shape["new"]
        context.n_batch = context.n_ubatch = BATCH
        context.n_threads = context.n_threads_batch = threads
        context.embeddings = encoder
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if not self.context:
            raise RuntimeError(f"{path} does not start")
        self.result = llama_cpp.llama_get_embeddings_seq if encoder else llama_cpp.llama_get_logits
        self.encoder = encoder

    @staticmethod
    def token(index):
        """Returns the same token as the other engines."""
        return 300 + index * 37 % 20_000

    def feed(self, tokens):
        """Reads tokens, to the result of the last."""
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        batch = llama_cpp.llama_batch_get_one(array, len(tokens))
        step = llama_cpp.llama_encode if self.encoder else llama_cpp.llama_decode
        if step(self.context, batch) != 0:
            raise RuntimeError("the step failed")
        result = self.result(self.context, 0) if self.encoder else self.result(self.context)
        if not result or result[0] != result[0]:
            raise RuntimeError("there is no result")

    def prefill(self):
        """Reads the prompt as a new sequence."""
        if not self.encoder:
            memory = llama_cpp.llama_get_memory(self.context)
            llama_cpp.llama_memory_clear(memory, False)
        tokens = [self.token(index) for index in range(self.shape["prompt"])]
        for start in range(0, len(tokens), BATCH):
            self.feed(tokens[start : start + BATCH])

    def decode(self):
        """Reads further tokens, one by one."""
        for index in range(self.shape["new"]):
            self.feed([self.token(index)])


def about():
    """Returns the version and the instructions it was built with."""
    version = importlib.metadata.version("llama-cpp-python")
    system = llama_cpp.llama_print_system_info().decode()
    names = [part.split("=")[0].strip() for part in system.split("|") if part.strip().endswith("= 1")]
    return f"llama-cpp-python {version}, {' '.join(names)}"


def reply(message):
    """Writes one line."""
    print(json.dumps(message), flush=True)


def main():
    """Answers requests until there are no more."""
    path, threads, shape = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    # Kept from being collected: llama.cpp calls it.
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    engine = Engine(path, threads, shape)
    reply({"ready": about()})
    for line in sys.stdin:
        start = time.perf_counter()
        {"prefill": engine.prefill, "decode": engine.decode}[line.strip()]()
        reply({"seconds": time.perf_counter() - start})


if __name__ == "__main__":
    main()
