internal import FoundationEssentials
internal import Operations

/// The secret that opens a ``PairingWindow`` to one machine. It is shown once, to the person who asked for it.
package struct PairingToken: Sendable, Equatable, SecretBearing {
    /// As the person reads it to the other machine.
    package let text: String

    package init(text: String) { self.text = text }

    /// A version 4 UUID: 122 bits from the system's generator.
    package static func random() -> PairingToken { PairingToken(text: UUID().uuidString.lowercased()) }
}
