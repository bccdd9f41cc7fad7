internal import FoundationEssentials
internal import Operations

/// The secret for a ``PairingWindow``. It is shown once, to the person who requested it.
package struct PairingToken: Sendable, Equatable, SecretBearing {
    /// The form that a person reads to the other machine.
    package let text: String

    package init(text: String) { self.text = text }

    /// A version 4 UUID: 122 bits from the system's random number generator.
    package static func random() -> PairingToken { PairingToken(text: UUID().uuidString.lowercased()) }
}
