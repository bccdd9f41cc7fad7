/// Whose packets: each direction of a session has keys of its own. The raw value is the byte in the key schedule.
package enum PacketDirection: UInt8, CaseIterable, Sendable {
    case fromInitiator = 1
    case fromResponder = 2
}
