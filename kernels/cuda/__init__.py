"""The CUDA evaluator: kernels in ``.cu`` files, each beside the module that launches them.

To add a kernel: write ``extern "C" __global__ void name(...)`` in a ``.cu`` file of this folder
(integers only, ``exact.cuh`` for what is shared), launch it by name through a `Device`, give it
a line in ``budgets.json``, and compare its result with the NumPy path in a test that runs on the
CPU shim. Pointers are ``const int*``, ``const long long*``, ``const unsigned char*`` and the
like; scalars are ``int`` and ``long long``.
"""
