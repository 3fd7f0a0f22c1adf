//! A stack of 64 kB in the WebAssembly module instead of 1 MB: the deepest recursion, a pairwise sum over all of a
//! 4 GB memory, is 24 short frames. The rest would be zeros in every instance of the module.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    }
}
