/// A value with a secret in it: interpolation, `print`, `dump` and a debugger's reflection show the type's name and nothing else.
package protocol SecretBearing: CustomStringConvertible, CustomReflectable {}

extension SecretBearing {
    package var description: String { "\(Self.self)(…)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
