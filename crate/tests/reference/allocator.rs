//! An allocator that can run dry: it counts what each thread holds and refuses when the thread has used its allowance.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Allocations that this thread may still make.
    static ALLOWANCE: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Bytes that this thread has allocated and not freed.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

struct Limited;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

/// Uses one of the allocations allowed; false if none is left.
fn allowed() -> bool {
    let left = ALLOWANCE.get();
    ALLOWANCE.set(if left == usize::MAX { left } else { left.saturating_sub(1) });
    left > 0
}

fn hold(bytes: isize) {
    HELD.set(HELD.get() + bytes);
}

#[expect(unsafe_code, reason = "an allocator is unsafe by nature; all is left to the system's")]
// SAFETY: memory comes from and goes to the system's allocator, to which all arguments are passed on unchanged.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !allowed() {
            return std::ptr::null_mut();
        }
        hold(layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        hold(-layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Calls `f`, within which at most this many allocations succeed.
pub fn with_allowance<T>(allocations: usize, f: impl FnOnce() -> T) -> T {
    ALLOWANCE.set(allocations);
    let result = f();
    ALLOWANCE.set(usize::MAX);
    result
}

/// Bytes that this thread has allocated and not freed.
pub fn held() -> isize {
    HELD.get()
}
