/// Seals and opens with XChaCha20-Poly1305.
package enum XChaCha20Poly1305 {}
