# Every switch of the shipped wasm beyond Cargo.toml's profile, and what it is worth: the bytes, brotli, that the wasm
# is larger by without it. Makefile includes this file. An unstable switch of rustc, one of LLVM or a pass of wasm-opt
# has to be worth 512 bytes, or to be needed. `make switches` measures each line again.
#
# Tried on Rust 1.95.0 (LLVM 22) with binaryen 132, and not worth it (bytes saved of 27,732):
#   rustc     -Zlocation-detail=none 0, -Zfmt-debug=none 0, -Zbuild-std-features=optimize_for_size 0
#   LLVM      -max-store-memcpy=1 349, -disable-machine-licm 112, -disable-lsr 111, -enable-pre=false 81,
#             -max-store-memset=1 13, -disable-licm-promotion 2, -max-store-memmove=1 -5, -bonus-inst-threshold=0 -11
#   wasm-opt  -lmu 216, --strip-producers and --strip-target-features 152, --dealign 88, --flatten with --rereloop 87,
#             --strip-debug 0, -Oz twice -66 and three times -14
# And LLVM's other calling convention, which returns pairs as two values, is not to be tried again with LLVM 22: that
# miscompiles it, a result may be read before the call that gives it.

# The standard library, built along, so that its panics too are traps without a message. Unstable, hence RUSTC_BOOTSTRAP
# and the component rust-src: 2,784 for the panics, which go with a standard library built so alone; with that of the
# toolchain, and no unstable switch at all, the wasm is 2,484 larger.
CARGO_FLAGS += -Zbuild-std=std,panic_abort
RUSTC_FLAGS += -Zunstable-options -Cpanic=immediate-abort
# 454; and needed: with reference types wasm-bindgen lets the wasm import from src/web's scripts directly, which the
# packing (pkg-template/glue.mjs) does not know how to join. The loader keeps JavaScript's values in an array instead.
RUSTC_FLAGS += -Ctarget-feature=-reference-types
# No bytes; and needed: wasm2js, which makes the engine for pages without WebAssembly, knows no pairs.
RUSTC_FLAGS += -Ctarget-feature=-multivalue
# No bytes, but memory: the stack takes 64 KiB, of which less than half is needed (a test looks), not a megabyte.
RUSTC_FLAGS += -Clink-arg=-zstack-size=65536
# No bytes, but safety: where the linker finds two signatures for one function it warns, and puts a trap there.
RUSTC_FLAGS += -Clink-arg=--fatal-warnings

# A third of the whole. What wasm-opt may use of WebAssembly it reads in the wasm: no more than rustc has used.
WASM_OPT_FLAGS += -Oz
# Needed: the names of imports and exports concern nobody but the loader, and are cut to a letter or two. What became of
# each is said on stdout, and pkg-template/glue.mjs does the same to the loader.
WASM_OPT_FLAGS += --minify-imports-and-exports-and-modules
