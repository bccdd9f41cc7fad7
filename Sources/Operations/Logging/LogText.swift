internal import Logging
internal import StrictJSON

/// How text from outside becomes part of one line.
package enum LogText {
    /// At most `valueLength` characters.
    static func cut(_ text: String) -> String {
        // Bytes first: counting the characters of a megabyte would be the attack.
        if text.utf8.count <= LogLineFormatter.valueLength { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(LogLineFormatter.valueLength))) + "…"
    }

    /// Without quotes; what could disturb a terminal is escaped.
    package static func plain(_ text: String) -> String {
        if !text.unicodeScalars.contains(where: \.isHazardousInText) { return text }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if scalar.isHazardousInText {
                var quoted: [UInt8] = []
                JSONValue.append(quoted: String(scalar), to: &quoted)
                bytes += quoted.dropFirst().dropLast()
            } else {
                bytes += String(scalar).utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Bare if it is one plain word, else in quotes.
    static func value(_ text: String) -> String {
        let isWord =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                !scalar.isHazardousInText && !scalar.properties.isWhitespace && scalar != "\"" && scalar != "="
                    && scalar != "\\"
            }
        return isWord ? text : JSONValue.string(text).text
    }

    static func text(of value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): cut(text)
        case .stringConvertible(let thing): cut(thing.description)
        case .array, .dictionary: cut(json(of: value).text)
        }
    }

    static func json(of value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(cut(text))
        case .stringConvertible(let thing): .string(cut(thing.description))
        case .array(let elements): .array(elements.map(json))
        case .dictionary(let members):
            .object(members.sorted { $0.key < $1.key }.map { .init($0.key, json(of: $0.value)) })
        }
    }
}
