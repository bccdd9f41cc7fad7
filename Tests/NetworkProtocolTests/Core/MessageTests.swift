internal import Testing

@testable import NetworkProtocol

@Suite("Messages")
struct MessageTests {
    @Test(arguments: GoldenMessage.all, MessageFormat.allCases)
    func `messages have the bytes that independent libraries produce`(golden: GoldenMessage, format: MessageFormat)
        throws
    {
        let expected = golden.payload(in: format)
        #expect(golden.message.payload(in: format) == expected)
        let read = try Message.read(expected)
        #expect(read.message == golden.message)
        #expect(read.format == format)
    }

    @Test(arguments: GoldenMessage.all)
    func `the length of a message in bincode is known beforehand`(golden: GoldenMessage) {
        #expect(golden.message.bincodeLength == golden.bincode.count)
    }

    @Test func `the golden messages are all there are`() {
        #expect(GoldenMessage.all.map(\.message.index) == Array(MessageShape.all.indices))
        #expect(GoldenMessage.all.map(\.message.name) == MessageShape.all.map(\.name))
    }

    @Test(arguments: GoldenMessage.all, MessageFormat.allCases)
    func `every truncation is refused`(golden: GoldenMessage, format: MessageFormat) {
        let payload = golden.payload(in: format)
        for count in payload.indices {
            #expect(throws: MessageError.self, "\(count) of \(payload.count) bytes") {
                _ = try Message(payload: Array(payload[..<count]))
            }
        }
    }

    @Test(arguments: GoldenMessage.all, MessageFormat.allCases)
    func `a byte behind the end is refused`(golden: GoldenMessage, format: MessageFormat) {
        for byte: UInt8 in [1, 0x21, 0xFF] {
            #expect(throws: MessageError.self) { _ = try Message(payload: golden.payload(in: format) + [byte]) }
        }
    }

    @Test(arguments: GoldenMessage.all)
    func `bincode may be marked with its format byte`(golden: GoldenMessage) throws {
        let read = try Message.read([1] + golden.bincode)
        #expect(read.message == golden.message)
        #expect(read.format == .bincode)
    }

    @Test func `the first four bytes of no message are those of a format byte and what follows it`() {
        // Otherwise an unmarked message could be read as a marked one: byte 1 of an unmarked number is 0.
        for golden in GoldenMessage.all {
            #expect(golden.bincode[1] == 0 && golden.json[0] != 0 && golden.messagePack[0] != 0)
        }
    }

    @Test func `a length of 2⁶⁴ − 1 is refused before anything is made`() {
        var payload: [UInt8] = [8, 0, 0, 0]
        payload += [UInt8](repeating: 0xFF, count: 8)
        #expect(throws: MessageError.truncated(offset: 12, needed: .max)) { _ = try Message(payload: payload) }
        // MessagePack's longest: an array of 2³² − 1 numbers in five bytes.
        let array: [UInt8] = [3, 0x81, 0xA4] + Array("Data".utf8) + [0xDD, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(throws: MessageError.self) { _ = try Message(payload: array) }
    }

    @Test(arguments: [
        Message.data([UInt8](repeating: 7, count: 4_096)),
        .custom(command: "put", payload: [UInt8](repeating: 7, count: 4_096)),
        .request(id: 1, command: "put", payload: [UInt8](repeating: 7, count: 4_096)),
        .response(id: 1, payload: [UInt8](repeating: 7, count: 4_096)),
    ])
    func `the bytes of a message stay where its payload was`(message: Message) throws {
        var payload = message.payload()
        let place = payload.withUnsafeMutableBytes { $0.baseAddress }
        let read = try Message.read(consume payload)
        #expect(read.message == message)
        let found: UnsafeRawPointer? =
            switch read.message {
            case .data(let bytes), .custom(_, let bytes), .request(_, _, let bytes), .response(_, let bytes):
                bytes.withUnsafeBytes { $0.baseAddress }
            default: nil
            }
        #expect(found == place.map { UnsafeRawPointer($0) })
    }

    @Test func `unknown message numbers and names are refused with an error`() {
        #expect(throws: MessageError.unknownVariant(256)) { _ = try Message(payload: [0, 1, 0, 0]) }
        #expect(throws: MessageError.unknownVariant(0xFFFF_FFFF)) {
            _ = try Message(payload: [0xFF, 0xFF, 0xFF, 0xFF])
        }
        #expect(throws: MessageError.unknownName("Pa ng")) { _ = try Message(payload: [2] + Array(#""Pa ng""#.utf8)) }
        #expect(throws: MessageError.unknownName("")) { _ = try Message(payload: [2] + Array(#""""#.utf8)) }
        #expect(throws: MessageError.empty) { _ = try Message(payload: []) }
    }

    @Test(arguments: [
        // bincode: numbers of later versions, with fields or without, marked or not.
        "0d000000", "0d000000010203", "ff000000ffffffffffffffff", "010d00000000",
        // JSON: "Pang"; {"Pang":null}; {"Pang":{"a":[1,-2.5e1,"x",true,{}],"a":[]}}
        "022250616e6722", "027b2250616e67223a6e756c6c7d",
        "027b2250616e67223a7b2261223a5b312c2d322e3565312c2278222c747275652c7b7d5d2c2261223a5b5d7d7d",
        // MessagePack: "Pang"; {"Pang": nil}; {"Pang": {"a": [1, -1, 2.5, false, h'00', ext]}}; arrays and maps with
        // long lengths.
        "03a450616e67", "0381a450616e67c0", "0381a450616e6781a1619601ffcb4004000000000000c2c40100d40100",
        "0381a450616e67dd00000002df00000001a161c0d9017a", "0381a450616e67dc0003d0ffd1ffffd2ffffffff",
        "0381a450616e6794cc01cd0001ce00000001cf0000000000000001", "0381a450616e6793ca00000000c701ff00c8000105aa",
    ])
    func `what a later version says is read as unknown, and the connection goes on`(hexadecimal: String) throws {
        let payload = try #require(Hexadecimal.bytes(hexadecimal))
        let read = try Message.read(payload)
        #expect(read.message == .unknown)
        guard read.format != .bincode else { return }
        for count in 1..<payload.count {
            #expect(throws: MessageError.self) { _ = try Message(payload: Array(payload[..<count])) }
        }
        #expect(throws: MessageError.self) { _ = try Message(payload: payload + [0x21]) }
    }

    @Test func `what a later version says has bounds: its name, its depth, and lengths that are not there`() throws {
        let longest = String(repeating: "n", count: 64)
        #expect(try Message(payload: [2] + Array("\"\(longest)\"".utf8)) == .unknown)
        #expect(throws: MessageError.self) { _ = try Message(payload: [2] + Array("\"\(longest)n\"".utf8)) }
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: MessageError.self) { _ = try Message(payload: [2] + Array("{\"Pang\":\(deep)".utf8)) }
        // Nested arrays of five bytes each, each of 2³² − 1 values; and one value nested deeply.
        let arrays = (0..<10_000).flatMap { _ in [0xDD, 0xFF, 0xFF, 0xFF, 0xFF] as [UInt8] }
        #expect(throws: MessageError.self) { _ = try Message(payload: [3, 0x81, 0xA4] + Array("Pang".utf8) + arrays) }
        let nested = [UInt8](repeating: 0x91, count: 100_000) + [0xC0]
        #expect(try Message(payload: [3, 0x81, 0xA4] + Array("Pang".utf8) + nested) == .unknown)
    }

    @Test(arguments: [MessageFormat.json, .messagePack])
    func `a name that no message has is quoted in part, and cannot disturb a terminal`(format: MessageFormat) throws {
        // One character of many scalars, then one that would reverse the line.
        let name = "a" + String(repeating: "\u{301}", count: 30) + "\u{202e}\u{1b}" + String(repeating: "z", count: 100)
        let quoted: [UInt8] =
            switch format {
            case .json:
                [2, 0x22] + name.unicodeScalars.flatMap { $0 == "\u{1b}" ? Array("\\u001b".utf8) : Array("\($0)".utf8) }
                    + [0x22]
            default: [3, 0xd9, UInt8(name.utf8.count)] + Array(name.utf8)
            }
        let expected = "a" + String(repeating: "\u{301}", count: 30) + "??" + String(repeating: "z", count: 7)
        #expect(throws: MessageError.unknownName(expected)) { _ = try Message(payload: quoted) }
    }

    @Test(arguments: [
        #"{"Echo":"a","Echo":"b"}"#, #"{"Custom":{"command":"a","command":"b"}}"#, #"{"Custom":{"command":"a"}}"#,
        #"{"Custom":{"command":"a","payload":[],"more":1}}"#, #"{"Data":[256]}"#, #"{"Data":[-1]}"#, #"{"Data":[1.0]}"#,
        #"{"Data":[1,]}"#, #"{"Data":[01]}"#, #"{"Ping":null}"#, #""Echo""#,
        #"{"Response":{"id":18446744073709551616,"payload":[]}}"#,
        #"{"Failure":{"id":0,"code":4294967296,"reason":""}}"#, #"["Ping"]"#, "null", #"{"Echo":"\ud800"}"#,
        #""Ping" "Ping""#,
    ])
    func `JSON that says something else is refused`(text: String) {
        #expect(throws: MessageError.self) { _ = try Message(payload: [2] + Array(text.utf8)) }
    }

    @Test func `JSON may have white space, escapes and another order`() throws {
        let text = #" { "Custom" : { "payload" : [ 1 , 2 ] , "command" : "gr\u0065et" } } "#
        #expect(try Message(payload: [2] + Array(text.utf8)) == .custom(command: "greet", payload: [1, 2]))
    }

    @Test(arguments: [
        // Fields as an array, bytes as an array of numbers, lengths longer than necessary.
        "81a444617461930102cc03", "81d904446174619301cc0203", "de0001a444617461c403010203",
        "81a444617461c50003010203", "81a444617461c600000003010203", "81a444617461dc0003010203",
        "81a444617461dd00000003010203",
    ])
    func `MessagePack may say the same in another way`(hexadecimal: String) throws {
        let bytes = try #require(Hexadecimal.bytes(hexadecimal))
        #expect(try Message(payload: [3] + bytes) == .data([1, 2, 3]))
    }

    @Test func `MessagePack takes a struct's fields as an array, as rmp writes them`() throws {
        let bytes: [UInt8] = [0x81, 0xA6] + Array("Custom".utf8) + [0x92, 0xA1, 0x61, 0xC4, 0x01, 0x07]
        #expect(try Message(payload: [3] + bytes) == .custom(command: "a", payload: [7]))
    }

    @Test(arguments: [
        "82a44563686fa161a44563686fa162", "81a44563686fc0", "81a450696e67c0", "a44563686f", "81a444617461d0ff", "c1",
        "80",
    ])
    func `MessagePack that says something else is refused`(hexadecimal: String) throws {
        let bytes = try #require(Hexadecimal.bytes(hexadecimal))
        #expect(throws: MessageError.self) { _ = try Message(payload: [3] + bytes) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        let payload: [UInt8] = [5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xC3, 0x28]
        #expect(throws: MessageError.invalidText(offset: 12)) { _ = try Message(payload: payload) }
    }
}
