internal import StrictJSON

/// Takes typed values out of a document and collects everything that is wrong with it.
///
/// Every getter gives a value, if need be the default, and notes a problem; `finish()` throws them all at once,
/// together with every key and section that no getter asked for.
///
///     var reader = TOMLReader(document)
///     let port = reader.integer("network", "port", in: 1...65_535, default: 4000)
///     let level = reader.enumeration("logging", "level", default: Level.info)
///     try reader.finish()
package struct TOMLReader {
    private let document: TOMLDocument
    private var problems: [ConfigurationProblem] = []
    /// Requested keys, by section.
    private var known: [String: Set<String>] = [:]
    /// The origin of the value of each `section.key`.
    package private(set) var sources: [String: ConfigurationSource] = [:]

    package init(_ document: TOMLDocument) { self.document = document }

    private static func path(_ section: String) -> [String] {
        section.isEmpty ? [] : section.split(separator: ".").map(String.init)
    }

    private static func name(_ section: String, _ key: String) -> String {
        section.isEmpty ? key : "\(section).\(key)"
    }

    /// Whether the file (not an override) sets the key.
    package func isSet(_ section: String, _ key: String) -> Bool {
        document.node(at: TOMLReader.path(section) + [key]) != nil
    }

    /// Notes a problem of a value that has the right type but cannot be used, for example two ports that contradict
    /// each other.
    package mutating func note(_ section: String, _ key: String, _ problem: String, remedy: String) {
        problems.append(self.problem(section, key, problem, remedy: remedy))
    }

    /// Notes a problem of an environment variable that sets nothing.
    package mutating func note(variable name: String, _ problem: String, remedy: String) {
        let origin = "\(ConfigurationSource.environment(name))"
        problems.append(ConfigurationProblem(origin: origin, problem: problem, remedy: remedy))
    }

    /// A problem at the origin of a value, for code that finds it only when it uses the value.
    package func problem(
        _ section: String,
        _ key: String,
        _ problem: String,
        remedy: String
    ) -> ConfigurationProblem {
        let name = TOMLReader.name(section, key)
        var origin = document.path
        var line: Int?
        switch sources[name] {
        case .flag, .environment: origin = sources[name]?.description ?? ""
        default: line = document.positions[TOMLReader.path(section) + [key]]?.line
        }
        return ConfigurationProblem(origin: origin, line: line, key: name, problem: problem, remedy: remedy)
    }

    private mutating func note(
        _ key: String,
        origin: String,
        at place: TOMLPositions.Position?,
        _ problem: String,
        _ remedy: String
    ) {
        problems.append(
            ConfigurationProblem(origin: origin, line: place?.line, key: key, problem: problem, remedy: remedy)
        )
    }

    /// The common part of all getters: an override is text, the file's value is a node.
    mutating func value<Value>(
        _ section: String,
        _ key: String,
        default fallback: Value,
        override: ConfigurationOverride?,
        expected: String,
        example: String,
        fromText: (String) -> Value?,
        fromNode: (TOMLNode) -> Value?
    ) -> Value {
        known[section, default: []].insert(key)
        let name = TOMLReader.name(section, key)
        if let override {
            sources[name] = override.source
            if let value = fromText(override.text) { return value }
            let found = JSONValue.excerpt(of: override.text)
            note(
                name,
                origin: "\(override.source)",
                at: nil,
                "found \(found), expected \(expected)",
                "for example \(example)"
            )
            return fallback
        }
        let path = TOMLReader.path(section) + [key]
        guard let node = document.node(at: path) else {
            sources[name] = .builtIn
            return fallback
        }
        sources[name] = .file(document.path)
        if let value = fromNode(node) { return value }
        note(
            name,
            origin: document.path,
            at: document.positions[path],
            "found \(node.found), expected \(expected)",
            "write for example \(key) = \(example)"
        )
        return fallback
    }

    /// Throws all problems; call it after the last getter.
    package func finish() throws(ConfigurationError) {
        var all = problems
        unknown(in: document.root, path: [], into: &all)
        if all.isEmpty { return }
        let sorted = all.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
        throw ConfigurationError(problems: sorted.map(\.element))
    }

    private func unknown(in table: [String: TOMLNode], path: [String], into all: inout [ConfigurationProblem]) {
        let section = path.joined(separator: ".")
        for (name, node) in table where !(known[section]?.contains(name) ?? false) {
            let here = path + [name]
            let dotted = here.joined(separator: ".")
            guard known.keys.contains(where: { $0 == dotted || $0.hasPrefix(dotted + ".") }) else {
                all.append(unknownName(name, node, section: section, path: here))
                continue
            }
            if case .table(let members) = node {
                unknown(in: members, path: here, into: &all)
            } else {
                let text = "found \(node.found), expected a section"
                all.append(problem(here, text, remedy: "write [\(dotted)] on a line of its own"))
            }
        }
    }

    private func problem(_ path: [String], _ text: String, remedy: String) -> ConfigurationProblem {
        // Scalars, not characters: one character can be as long as the file.
        let key = path.map { name in
            String(String.UnicodeScalarView(name.unicodeScalars.prefix(60).map { $0.isHazardousInText ? "?" : $0 }))
        }.joined(separator: ".")
        return ConfigurationProblem(
            origin: document.path,
            line: document.positions[path]?.line,
            key: key,
            problem: text,
            remedy: remedy
        )
    }

    private func unknownName(_ name: String, _ node: TOMLNode, section: String, path: [String]) -> ConfigurationProblem
    {
        if case .table = node, section.isEmpty {
            let near = NearestName.of(name, among: known.keys.filter { !$0.isEmpty })
            let sections = known.keys.filter { !$0.isEmpty }.sorted().map { "[\($0)]" }.joined(separator: ", ")
            return problem(
                path,
                "unknown section",
                remedy: near.map { "did you mean [\($0)]?" } ?? "the sections are \(sections)"
            )
        }
        if let near = NearestName.of(name, among: known[section] ?? []) {
            return problem(path, "unknown key", remedy: "did you mean \(near)?")
        }
        let elsewhere = known.filter { $0.key != section && $0.value.contains(name) }.map(\.key).sorted()
        if let other = elsewhere.first {
            return problem(path, "unknown key in this section", remedy: "it belongs in [\(other)]")
        }
        return problem(path, "unknown key", remedy: "remove it, or look up its name in Docs/REFERENCE.md")
    }
}
