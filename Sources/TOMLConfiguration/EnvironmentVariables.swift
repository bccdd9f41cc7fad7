internal import StrictJSON

/// Variables that start like a tool's and set none of its keys: a misspelled variable is as wrong as a misspelled key
/// in the file.
package struct EnvironmentVariables: Sendable {
    /// With its underscore, for example `REFLECTOR_`.
    package let prefix: String
    private let values: [String: String]

    package init(prefix: String, values: [String: String]) {
        self.prefix = prefix
        self.values = values
    }

    /// The names that start with the prefix, are not empty, and are neither in `known` nor set by Kubernetes, sorted.
    package func unknown(known: Set<String>) -> [String] {
        values.filter { name, value in
            name.hasPrefix(prefix) && !value.isEmpty && !known.contains(name) && !isKubernetes(name)
        }.keys.sorted()
    }

    /// Whether Kubernetes sets the variable for a service whose name is or starts with the tool's: `X_SERVICE_HOST`,
    /// `X_SERVICE_PORT` and `X_SERVICE_PORT_NAME`, and the links of Docker, `X_PORT` and `X_PORT_4000_TCP…`.
    private func isKubernetes(_ name: String) -> Bool {
        if name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
            return true
        }
        if isLink(name) { return true }
        guard name.hasSuffix("_PORT") else { return false }
        // A key might have such a name, too. Kubernetes' value is an address, and its service has a host.
        let service = name.dropLast("_PORT".count)
        return values[name]?.contains("://") == true || values["\(service)_SERVICE_HOST"] != nil
    }

    /// `X_PORT_NUMBER_PROTOCOL`, optionally followed by `_PROTO`, `_PORT` or `_ADDR`.
    private func isLink(_ name: String) -> Bool {
        guard let link = name.ranges(of: "_PORT_").last else { return false }
        let words = name[link.upperBound...].split(separator: "_", omittingEmptySubsequences: false)
        return (2...3).contains(words.count) && UInt16(words[0]) != nil && ["TCP", "UDP", "SCTP"].contains(words[1])
            && (words.count == 2 || ["PROTO", "PORT", "ADDR"].contains(words[2]))
    }
}

extension TOMLReader {
    /// Notes each variable that sets no key.
    package mutating func refuseUnknown(_ variables: EnvironmentVariables, known: Set<String>) {
        for name in variables.unknown(known: known) {
            let printable = String(
                String.UnicodeScalarView(name.unicodeScalars.prefix(80).map { $0.isHazardousInText ? "?" : $0 })
            )
            note(
                variable: printable,
                "no key has this variable",
                remedy: NearestName.of(name, among: known).map { "did you mean \($0)?" } ?? "unset it"
            )
        }
    }
}
