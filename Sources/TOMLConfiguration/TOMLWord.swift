/// The TOML values that are neither quoted nor bracketed, without dates and times.
enum TOMLWord {
    /// Whether `text` (ignoring spaces at its end) is a boolean, an integer or a floating-point number.
    static func isKnown(_ text: ArraySlice<UInt8>) -> Bool {
        var word = text
        while let last = word.last, last == 0x20 || last == 0x09 || last == 0x0d { word.removeLast() }
        if word.elementsEqual("true".utf8) || word.elementsEqual("false".utf8) { return true }
        for (prefix, digits) in [("0x", "0123456789abcdefABCDEF"), ("0o", "01234567"), ("0b", "01")]
        where word.starts(with: prefix.utf8) {
            return isDigits(word.dropFirst(2), of: Array(digits.utf8))
        }
        if word.first == UInt8(ascii: "+") || word.first == UInt8(ascii: "-") { word.removeFirst() }
        if word.elementsEqual("inf".utf8) || word.elementsEqual("nan".utf8) { return true }
        return isDecimal(word)
    }

    /// Digits, with an optional fraction and exponent.
    private static func isDecimal(_ word: ArraySlice<UInt8>) -> Bool {
        let decimal = Array("0123456789".utf8)
        var mantissa = word
        if let mark = word.firstIndex(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }) {
            var exponent = word[(mark + 1)...]
            if exponent.first == UInt8(ascii: "+") || exponent.first == UInt8(ascii: "-") { exponent.removeFirst() }
            guard isDigits(exponent, of: decimal) else { return false }
            mantissa = word[..<mark]
        }
        let parts = mantissa.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let hasLeadingZero = parts[0].count > 1 && parts[0].first == UInt8(ascii: "0")
        return !hasLeadingZero && parts.allSatisfy { isDigits($0, of: decimal) }
    }

    /// Digits with single underscores between them.
    private static func isDigits(_ text: ArraySlice<UInt8>, of digits: [UInt8]) -> Bool {
        text.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
            .allSatisfy { part in !part.isEmpty && part.allSatisfy(digits.contains) }
    }
}
