//! What the standard library would bring: a square root and, in WebAssembly, an allocator, a panic handler and a global.
//!
//! The module is built without it, because it brings 16 kB that we never need: text for panics that nobody reads, and an
//! allocator for threads.
//!
//! All `unsafe` of the crate is in this module.

#![allow(unsafe_code)]

use bytemuck::{Pod, Zeroable};

/// Whether this is not the JavaScript form. That one has no SIMD, computes in float64 and rounds, and is read whole before it
/// runs: loops that save time elsewhere save none there.
pub const SIMD: bool = cfg!(any(not(target_arch = "wasm32"), target_feature = "simd128"));

/// Elements of a group (`lanes.rs`).
pub const WIDTH: usize = if SIMD { 8 } else { 1 };

/// Elements that a loop takes at once, aligned for SIMD: no access straddles a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[cfg_attr(any(not(target_arch = "wasm32"), target_feature = "simd128"), repr(align(32)))]
pub struct Group(pub [f32; WIDTH]);

impl Group {
    /// Zeros.
    pub const ZERO: Self = Self([0.0; WIDTH]);
}

// SAFETY: all bits 0 are the float 0.
unsafe impl Zeroable for Group {}

// SAFETY: floats and nothing else, with no padding behind them.
unsafe impl Pod for Group {}
const _: () = assert!(size_of::<Group>() == 4 * WIDTH);

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

// SAFETY: only the thread that owns the runtime calls exports that use a `Global` or the allocator. Workers call `part` alone,
// which uses neither (scripts/shared-memory.mjs). What one thread can do wrong, borrowing twice, the cell itself refuses.
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
