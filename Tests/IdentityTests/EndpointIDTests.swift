internal import Testing

@testable import Identity

@Suite("Endpoint ID")
struct EndpointIDTests {
    /// Key (hex) and ID; the first key is that of RFC 8032, 7.1, test 1.
    static let vectors = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "PP-TXD9-G0C2-P45B-FNAB-ZV9W-JS07-787E-2WQK-VAK2-69DF-08D6-HXR7-A4D0-R"
        ),
        (
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "PP-000G-40R4-0M30-E209-185G-R38E-1W81-24GK-2GAH-C5RR-34D1-P70X-3RFG-1"
        ),
        (
            "ee6d76b8176426405b37ac8bee6ff0d0f2620f745cf639f3d1d6e87163509e80",
            "PP-XSPQ-DE0Q-CGK4-0PSQ-NJ5Y-WVZG-T3S6-43VM-BKV3-KWYH-TVM7-2RTG-KT00-B"
        ),
    ]

    @Test(arguments: vectors)
    func `keys are written as the published vectors have them, and read back`(key: String, text: String) throws {
        let id = try #require(EndpointID(publicKey: bytes(key)))
        #expect(id.description == text)
        #expect(try EndpointID(parsing: text) == id)
    }

    @Test func `an ID is read in lower case, with O for 0, I and L for 1, and without or with extra separators`() throws
    {
        let id = try #require(EndpointID(publicKey: bytes(Self.vectors[1].0)))
        let text = Self.vectors[1].1
        let body = text.dropFirst(3)
        #expect(try EndpointID(parsing: text.lowercased()) == id)
        #expect(try EndpointID(parsing: "PP-" + body.replacing("0", with: "O")) == id)
        #expect(try EndpointID(parsing: "PP-" + body.replacing("1", with: "I")) == id)
        #expect(try EndpointID(parsing: "pp-" + body.replacing("1", with: "l")) == id)
        #expect(try EndpointID(parsing: text.replacing("-", with: "")) == id)
        #expect(try EndpointID(parsing: " " + text.replacing("-", with: " - ") + "\n") == id)
    }

    @Test func `every single wrong symbol is noticed`() throws {
        let text = Array(Self.vectors[0].1)
        for index in text.indices.dropFirst(3) where text[index] != "-" {
            for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" where symbol != text[index] {
                var changed = text
                changed[index] = symbol
                #expect(throws: EndpointIDError.self) { try EndpointID(parsing: String(changed)) }
            }
        }
    }

    @Test func `two swapped neighbors are noticed, except 0 and Z, which Luhn cannot tell apart`() throws {
        let text = Array(Self.vectors[2].1.replacing("-", with: ""))
        for index in 2..<(text.count - 1) where text[index] != text[index + 1] {
            if Set([text[index], text[index + 1]]) == ["0", "Z"] { continue }
            var changed = text
            changed.swapAt(index, index + 1)
            #expect(throws: EndpointIDError.self) { try EndpointID(parsing: String(changed)) }
        }
    }

    @Test func `the error names the group where a common misreading happened`() throws {
        // 8 read as B in group 11 ("08D6").
        let misread = Self.vectors[0].1.replacing("08D6", with: "0BD6")
        guard case .wrongCheckSymbol(let suspects)? = error(misread) else {
            Issue.record("expected a wrong check symbol")
            return
        }
        #expect(suspects.contains(11))
        #expect(EndpointIDError.wrongCheckSymbol(suspects: [11]).description.contains("group 11"))
    }

    @Test func `wrong lengths, foreign symbols, a missing prefix and padding bits are each told apart`() {
        let text = Self.vectors[0].1
        #expect(error(String(text.dropLast())) == .wrongLength(found: 52))
        #expect(error(text + "0") == .wrongLength(found: 54))
        #expect(error("") == .missingPrefix)
        #expect(error("XX-" + text.dropFirst(3)) == .missingPrefix)
        #expect(error(text.replacing("TXD9", with: "TXU9")) == .invalidSymbol("U", group: 1))
        #expect(error(text.replacing("7-787E", with: "7-78é")) == .invalidSymbol("é", group: 7))
        #expect(error(String(repeating: "P", count: 1 << 20)) == .wrongLength(found: 1 << 20))
        // The last symbol carries four bits of padding: set one and mend the check symbol.
        var symbols = EndpointID(publicKey: bytes(Self.vectors[0].0))?.symbols ?? []
        symbols[51] |= 1
        let check = EndpointID.checkSymbol(of: symbols)
        let forged = "PP-" + String(decoding: (symbols + [check]).map { EndpointID.alphabet[Int($0)] }, as: UTF8.self)
        #expect(error(forged) == .nonZeroPadding)
    }

    @Test(arguments: [0, 31, 33])
    func `a key of another length is no ID`(count: Int) {
        #expect(EndpointID(publicKey: [UInt8](repeating: 7, count: count)) == nil)
    }

    private func error(_ text: String) -> EndpointIDError? {
        do throws(EndpointIDError) {
            _ = try EndpointID(parsing: text)
            return nil
        } catch {
            return error
        }
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.count, by: 2).compactMap { offset in
            let start = hex.index(hex.startIndex, offsetBy: offset)
            return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16)
        }
    }
}
