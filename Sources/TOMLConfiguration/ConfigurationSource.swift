/// The origin of a value, strongest first.
package enum ConfigurationSource: Equatable, Sendable, CustomStringConvertible {
    /// For example `--bind`.
    case flag(String)
    /// For example `REFLECTOR_CONFIG`.
    case environment(String)
    case file(String)
    case builtIn

    package var description: String {
        switch self {
        case .flag(let name): name
        case .environment(let name): "environment variable \(name)"
        case .file(let path): path
        case .builtIn: "default"
        }
    }
}

/// A value that a flag or an environment variable sets instead of the file.
package struct ConfigurationOverride: Equatable, Sendable {
    package var source: ConfigurationSource
    package var text: String

    package init(source: ConfigurationSource, text: String) {
        self.source = source
        self.text = text
    }

    /// The flag if it was given, else the variable if it is set and not empty, else nil.
    package static func strongest(
        flag: (name: String, value: String?)? = nil,
        environment: (name: String, values: [String: String])? = nil
    ) -> ConfigurationOverride? {
        if let flag, let value = flag.value { return .init(source: .flag(flag.name), text: value) }
        if let environment, let value = environment.values[environment.name], !value.isEmpty {
            return .init(source: .environment(environment.name), text: value)
        }
        return nil
    }
}
