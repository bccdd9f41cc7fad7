@testable import NetworkProtocol

/// Each message with its bytes in each format, made by Python's `struct`, `json` and `msgpack`.
struct GoldenMessage: Sendable, CustomStringConvertible {
    let message: Message
    let bincode: [UInt8]
    let json: [UInt8]
    let messagePack: [UInt8]

    init(_ message: Message, bincode: String, json: String, messagePack: String) {
        self.message = message
        self.bincode = Hexadecimal.bytes(bincode) ?? []
        self.json = Array(json.utf8)
        self.messagePack = Hexadecimal.bytes(messagePack) ?? []
    }

    var description: String { message.name }

    /// The payload as it is sent: the other two follow their format byte.
    func payload(in format: MessageFormat) -> [UInt8] {
        switch format {
        case .bincode: bincode
        case .json: [2] + json
        case .messagePack: [3] + messagePack
        }
    }

    static let all: [GoldenMessage] = {
        let key = Array(UInt8(0)..<32)
        let nonce = Array(UInt8(0)..<16)
        return [
            GoldenMessage(
                .ping,
                bincode: "00000000",
                json: #""Ping""#,
                messagePack: "a450696e67"
            ),
            GoldenMessage(
                .pong,
                bincode: "01000000",
                json: #""Pong""#,
                messagePack: "a4506f6e67"
            ),
            GoldenMessage(
                .handshakeInit(HandshakeInit(publicKey: key, timestamp: 1_763_724_000_123, nonce: nonce)),
                bincode: "02000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f7b7b24a6"
                    + "9a010000000102030405060708090a0b0c0d0e0f",
                json: #"{"SecureHandshakeInit":{"pub_key":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,1"#
                    + #"8,19,20,21,22,23,24,25,26,27,28,29,30,31],"timestamp":1763724000123,"nonce":[0,1"#
                    + #",2,3,4,5,6,7,8,9,10,11,12,13,14,15]}}"#,
                messagePack: "81b353656375726548616e647368616b65496e697483a77075625f6b6579c4200001020304050607"
                    + "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa974696d657374616d70cf0000019aa6"
                    + "247b7ba56e6f6e6365c410000102030405060708090a0b0c0d0e0f"
            ),
            GoldenMessage(
                .handshakeResponse(HandshakeResponse(publicKey: key, nonce: nonce, challenge: [0xAA, 0xBB])),
                bincode: "03000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00010203"
                    + "0405060708090a0b0c0d0e0f0200000000000000aabb",
                json: #"{"SecureHandshakeResponse":{"pub_key":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"#
                    + #"17,18,19,20,21,22,23,24,25,26,27,28,29,30,31],"nonce":[0,1,2,3,4,5,6,7,8,9,10,11"#
                    + #",12,13,14,15],"challenge":[170,187]}}"#,
                messagePack: "81b753656375726548616e647368616b65526573706f6e736583a77075625f6b6579c42000010203"
                    + "0405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa56e6f6e6365c41000010203"
                    + "0405060708090a0b0c0d0e0fa96368616c6c656e6765c402aabb"
            ),
            GoldenMessage(
                .handshakeConfirm(HandshakeConfirm(challenge: [0xAA, 0xBB])),
                bincode: "040000000200000000000000aabb",
                json: #"{"SecureHandshakeConfirm":{"challenge":[170,187]}}"#,
                messagePack: "81b653656375726548616e647368616b65436f6e6669726d81a96368616c6c656e6765c402aabb"
            ),
            GoldenMessage(
                .echo("grüß"),
                bincode: "0500000006000000000000006772c3bcc39f",
                json: #"{"Echo":"grüß"}"#,
                messagePack: "81a44563686fa66772c3bcc39f"
            ),
            GoldenMessage(
                .disconnect,
                bincode: "06000000",
                json: #""Disconnect""#,
                messagePack: "aa446973636f6e6e656374"
            ),
            GoldenMessage(
                .custom(command: "greet", payload: [0, 9, 10, 99, 100, 255]),
                bincode: "0700000005000000000000006772656574060000000000000000090a6364ff",
                json: #"{"Custom":{"command":"greet","payload":[0,9,10,99,100,255]}}"#,
                messagePack: "81a6437573746f6d82a7636f6d6d616e64a56772656574a77061796c6f6164c40600090a6364ff"
            ),
            GoldenMessage(
                .data([1, 2, 3]),
                bincode: "080000000300000000000000010203",
                json: #"{"Data":[1,2,3]}"#,
                messagePack: "81a444617461c403010203"
            ),
            GoldenMessage(
                .unknown,
                bincode: "09000000",
                json: #""Unknown""#,
                messagePack: "a7556e6b6e6f776e"
            ),
            GoldenMessage(
                .request(id: .max, command: "sum", payload: [7]),
                bincode: "0a000000ffffffffffffffff030000000000000073756d010000000000000007",
                json: #"{"Request":{"id":18446744073709551615,"command":"sum","payload":[7]}}"#,
                messagePack: "81a75265717565737483a26964cfffffffffffffffffa7636f6d6d616e64a373756da77061796c6f"
                    + "6164c40107"
            ),
            GoldenMessage(
                .response(id: 300, payload: []),
                bincode: "0b0000002c010000000000000000000000000000",
                json: #"{"Response":{"id":300,"payload":[]}}"#,
                messagePack: "81a8526573706f6e736582a26964cd012ca77061796c6f6164c400"
            ),
            GoldenMessage(
                .failure(id: 5, code: FailureCode(rawValue: 70_000), reason: "no"),
                bincode: "0c00000005000000000000007011010002000000000000006e6f",
                json: #"{"Failure":{"id":5,"code":70000,"reason":"no"}}"#,
                messagePack: "81a74661696c75726583a2696405a4636f6465ce00011170a6726561736f6ea26e6f"
            ),
        ]
    }()
}
