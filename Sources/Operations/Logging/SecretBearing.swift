/// A value that contains a secret: interpolation, `print`, `dump` and a debugger's reflection show only the type's
/// name.
package protocol SecretBearing: CustomStringConvertible, CustomReflectable {}

extension SecretBearing {
    package var description: String { "\(Self.self)(…)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
