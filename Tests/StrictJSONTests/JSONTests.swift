internal import Foundation
internal import OwnThread
internal import StrictJSON
internal import Testing

@Suite(.ownThread) struct JSONTests {
    @Test func `values come back in their order`() throws {
        let text = #"{"b":[1,-2,3.5,true,false,null,{}],"a":"x\"\\\n\u001b\u2028é😀","c":[],"d":9223372036854775807}"#
        let value = try JSONParser.parse(text)
        #expect(value.text == text)
        #expect(value["d"] == .integer(.max))
        #expect(try JSONParser.parse(value.prettyText) == value)
        #expect(try JSONSerialization.jsonObject(with: Data(value.prettyText.utf8)) is [String: Any])
    }

    @Test func `pretty text is indented by two`() {
        let value = JSONValue.object([.init("a", .array([.integer(1), .object([])])), .init("b", .string("x"))])
        #expect(value.prettyText == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}")
    }

    @Test func `numbers that JSON lacks are null`() {
        #expect(JSONValue.array([.number(.nan), .number(.infinity), .number(1e300)]).text == "[null,null,1e+300]")
    }

    @Test func `every truncation is refused`() {
        let bytes = Array(#"{"b":[1.5e3,true],"a":"\u00e9\ud83d\ude00"}"#.utf8)
        #expect(throws: Never.self) { try JSONParser.parse(bytes[...]) }
        for length in bytes.indices {
            #expect(throws: JSONParser.Malformed.self) { try JSONParser.parse(bytes[..<length]) }
        }
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "01", "1.", ".5", "+1", "1e", "--1", "\"\n\"", #""\x""#, #""\ud800""#,
        #""\ud800\u0041""#, #""\udc00""#,
        #""\u12g4""#, "[1,]", "[,]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":2}", "[1] 2", "1e999", "'a'",
        "[1 2]", "\u{feff}1",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONParser.Malformed.self) { try JSONParser.parse(text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        for bad: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]] {
            #expect(throws: JSONParser.Malformed.self) { try JSONParser.parse(bad[...]) }
        }
    }

    @Test func `repeated names are read where they are allowed, and the first counts`() throws {
        let value = try JSONParser.parse(Array(#"{"a":1,"a":2}"#.utf8)[...], allowsRepeatedNames: true)
        #expect(value["a"] == .integer(1))
    }

    @Test func `depth is bounded`() {
        let fits = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(throws: Never.self) { try JSONParser.parse(fits) }
        #expect(throws: JSONParser.Malformed.self) { try JSONParser.parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONParser.Malformed.self) {
            try JSONParser.parse(String(repeating: #"{"a":"#, count: 100_000))
        }
    }

    @Test func `random bytes never trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array(#"{}[]",:\u0e1-.tfn "#.utf8) + [0xff, 0]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            if let value = try? JSONParser.parse(bytes[...]) { #expect((try? JSONParser.parse(value.text)) == value) }
        }
    }
}
