//! What the standard library would bring: a square root and, in WebAssembly, an allocator, a panic handler and a global.
//!
//! The module is built without it: it would bring 16 kB that we never need, texts of panics that nobody reads and an allocator
//! for threads. The crate's `unsafe` is here and, for threads, in `threads/shared.rs`.

#![allow(unsafe_code)]

/// √x, rounded once. The loops that call it become `f32x4.sqrt`.
#[cfg(not(target_arch = "wasm32"))]
#[inline]
pub fn sqrt(x: f32) -> f32 {
    x.sqrt()
}

#[cfg(target_arch = "wasm32")]
pub use wasm::sqrt;

#[cfg(target_arch = "wasm32")]
mod wasm {
    use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

    #[global_allocator]
    static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();

    /// A trap is all the host can see of a panic.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo) -> ! {
        core::arch::wasm32::unreachable()
    }

    /// Without the standard library only the instruction on four lanes has a name; the compiler takes one lane for what
    /// it is, `f32.sqrt`, and vectorizes loops over it.
    #[cfg(target_feature = "simd128")]
    #[inline]
    pub fn sqrt(x: f32) -> f32 {
        use core::arch::wasm32::{f32x4_extract_lane, f32x4_splat, f32x4_sqrt};
        f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(x)))
    }

    /// √x, rounded once: `f32.sqrt`.
    #[cfg(not(target_feature = "simd128"))]
    #[inline]
    pub fn sqrt(x: f32) -> f32 {
        // SAFETY: C's declaration of it.
        unsafe extern "C" {
            /// C's square root, which Rust's own runtime library defines as `f32.sqrt`.
            // SAFETY: of any number, and without effects.
            safe fn sqrtf(x: f32) -> f32;
        }
        sqrtf(x)
    }
}

/// A global of the one thread that owns the runtime.
#[cfg(target_arch = "wasm32")]
pub struct Global<T>(core::cell::RefCell<T>);

// SAFETY: only the thread that owns the runtime calls exports that use a `Global` or the allocator. Workers call
// `run_chunk` alone, which uses neither (scripts/shared-memory.mjs). What one thread can do wrong, borrowing twice, the cell
// itself refuses.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
unsafe impl<T> Sync for Global<T> {}

#[cfg(target_arch = "wasm32")]
impl<T> Global<T> {
    /// A global that is `value` at first.
    pub const fn new(value: T) -> Self {
        Self(core::cell::RefCell::new(value))
    }

    /// What `work` makes of the value; traps inside another `with`.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.borrow_mut())
    }
}
