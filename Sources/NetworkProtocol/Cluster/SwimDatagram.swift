/// A message as it is on the network: authenticated and encrypted with the cluster's key.
///
///     0   4  magic 53 57 49 4D ("SWIM")
///     4   1  version 1
///     5   1  key: first byte of the key's fingerprint
///     6  24  nonce, random
///    30   8  sealed: time of sending, milliseconds since 1970, big endian
///    38   …  sealed: a `SwimMessage`
///     …  16  tag
package enum SwimDatagram {
    /// Longest datagram in bytes: no fragments on any usual path (IPv6 minimum MTU 1280 would, tunnels over Ethernet do not).
    package static let maximumLength = 1_400
    /// Bytes that are not the message.
    package static let overhead = 30 + 8 + 16
}
