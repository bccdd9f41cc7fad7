internal import TOMLConfiguration

/// Takes one key after the other from a file, or from the environment if that overrides it.
struct NetworkConfigurationKeys {
    /// The prefix of every variable's name.
    static let prefix = "NETWORK_PROTOCOL_"

    var reader: TOMLReader
    private let environment: [String: String]
    /// Variables that were looked up.
    private var variables: Set<String> = []

    init(_ document: TOMLDocument, _ environment: [String: String]) {
        reader = TOMLReader(document)
        self.environment = environment
    }

    /// `alias` is a second name, without ``prefix``, used if the first is not set.
    private mutating func override(
        _ section: String,
        _ key: String,
        alias: String? = nil
    ) -> ConfigurationOverride? {
        var names = [NetworkConfigurationKeys.prefix + "\(section)_\(key)".uppercased()]
        if let alias { names.append(NetworkConfigurationKeys.prefix + alias) }
        variables.formUnion(names)
        for name in names {
            if let found = ConfigurationOverride.strongest(environment: (name, environment)) { return found }
        }
        return nil
    }

    mutating func integer(
        _ section: String,
        _ key: String,
        _ range: ClosedRange<Int>,
        _ value: inout Int,
        _ alias: String? = nil
    ) {
        value = reader.integer(
            section,
            key,
            in: range,
            default: value,
            override: override(section, key, alias: alias)
        )
    }

    /// A duration as an integer of milliseconds.
    mutating func milliseconds(
        _ section: String,
        _ key: String,
        _ range: ClosedRange<Int>,
        _ value: inout Duration,
        _ alias: String? = nil
    ) {
        var milliseconds = Int(value / .milliseconds(1))
        integer(section, key, range, &milliseconds, alias)
        value = .milliseconds(milliseconds)
    }

    mutating func bool(_ section: String, _ key: String, _ value: inout Bool) {
        value = reader.bool(section, key, default: value, override: override(section, key))
    }

    mutating func enumeration<Value: RawRepresentable & CaseIterable>(
        _ section: String,
        _ key: String,
        _ value: inout Value
    ) where Value.RawValue == String {
        value = reader.enumeration(section, key, default: value, override: override(section, key))
    }

    /// Nil if it is missing or empty.
    mutating func text(_ section: String, _ key: String) -> String? {
        let text = reader.string(section, key, default: "", allowsEmpty: true, override: override(section, key))
        return text.isEmpty ? nil : text
    }

    mutating func address(_ section: String, _ value: inout ServiceAddress) {
        value = reader.parsed(
            section,
            "address",
            default: value,
            expected: ServiceAddress.expected,
            example: "\"\(value)\"",
            override: override(section, "address")
        ) { ServiceAddress($0) }
    }

    /// The origin of the value, as a problem without text.
    func place(_ section: String, _ key: String) -> ConfigurationProblem {
        var place = reader.problem(section, key, "", remedy: "")
        if place.origin.isEmpty { place.origin = "the defaults" }
        return place
    }

    /// Throws all problems; call it after the last key.
    mutating func finish() throws(ConfigurationError) {
        reader.refuseUnknown(
            EnvironmentVariables(prefix: NetworkConfigurationKeys.prefix, values: environment),
            known: variables
        )
        try reader.finish()
    }
}
