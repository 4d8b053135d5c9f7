#!/usr/bin/env bash
# Makes the virtual environment that make.py and train.py run in; returns at once where it stands.
# Usage: setup.sh VENV
#
# PyTorch for Linux on x86-64 comes from PyPI built for CUDA and asks for thirteen libraries, most of them
# large, that a CPU never calls. Only the two that it calls while it loads are installed; the others are stubs
# without code, made by cc. Set REFERENCE_FULL_TORCH=1 to install everything instead.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ "$#" -eq 1 ] || { echo "usage: $0 VENV" >&2; exit 2; }
venv=$1
stamp=$venv/.reference
wanted=$(cat "${BASH_SOURCE[0]}" "$here/requirements.txt" | sha256sum | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0

python=${PYTHON:-python3}
# A Debian without python3-venv makes no pip.
"$python" -m venv --clear "$venv" || {
    echo "reference: '$python -m venv' failed; on Debian: apt-get install python3-venv" >&2
    exit 1
}
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }

works() {
    "$venv/bin/python" - <<'PYTHON'
import torch, transformers
weight = torch.randn(64, 64, requires_grad=True)
(weight @ torch.randn(64, 8)).square().sum().backward()
assert weight.grad.isfinite().all()
PYTHON
}

# The CUDA libraries that PyTorch names but, on a CPU, never calls; nvshmem holds the only data.
write_stubs() {
    local libraries=$1 name source='' flags
    for name in libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12 libcufile.so.0 \
        libcusolver.so.12 libcusparse.so.12 libcusparseLt.so.0 libnccl.so.2 libnvrtc.so.13 \
        libnvshmem_host.so.3; do
        flags=()
        source=''
        if [ "$name" = libnvshmem_host.so.3 ]; then
            source='char nvshmem_selected_device_transport[64], nvshmemi_device_only_state[64];
                void nvshmem_init(void) {} void nvshmemi_get_device_state_ptrs(void) {}'
            printf 'NVSHMEM { *; };\n' >"$libraries/nvshmem.map"
            flags=("-Wl,--version-script=$libraries/nvshmem.map")
        fi
        printf '%s\n' "$source" |
            "${CC:-cc}" -shared -fPIC -x c - "-Wl,-soname,$name" "${flags[@]}" -o "$libraries/$name"
    done
}

lean() {
    [ "${REFERENCE_FULL_TORCH:-0}" != 1 ] && [ "$(uname -sm)" = 'Linux x86_64' ] || return 1
    local packages
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    pip install --no-deps nvidia-cuda-cupti==13.2.86 nvidia-cuda-runtime==13.2.86
    write_stubs "$packages/torch/lib"
    # Python resolves every function of a library that it loads unless it is told not to.
    printf 'import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n' >"$packages/lazy_binding.pth"
    works && return
    rm "$packages/lazy_binding.pth"
    return 1
}

pip install --no-deps --requirement "$here/requirements.txt"
# Inside a condition nothing stops at an error: what `works` says at the end of `lean` decides.
if ! lean 2>"$venv/lean.log"; then
    # Keeps what is installed and adds the libraries.
    pip install "$(grep '^torch==' "$here/requirements.txt")"
    works
fi
printf '%s\n' "$wanted" >"$stamp"
