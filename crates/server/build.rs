//! The guides are embedded: a new one is seen only if this crate is built again.

fn main() {
    println!("cargo::rerun-if-changed=../../docs");
}
