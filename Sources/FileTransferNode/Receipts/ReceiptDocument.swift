internal import Cryptography
package import FileTransfer
internal import Identity
internal import StrictJSON

/// A receipt as a JSON file that proves a transfer to others: the format is in `Docs/REFERENCE.md`.
package struct ReceiptDocument: Equatable, Sendable {
    private static let kind = "courier/1"
    /// More would make a file of many megabytes.
    private static let mostFiles = 10_000
    private static let mostPathBytes = 1 << 20
    /// Longest file that is read as a receipt.
    package static let longest = 16 << 20

    package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        case json(String)
        case member(String)
        case files

        package var description: String {
            switch self {
            case .json(let reason): "it is no JSON: \(reason)"
            case .member(let name): "\"\(name)\" is missing or has a wrong form"
            case .files: "its list of files does not have its digest"
            }
        }
    }

    package let receipt: Receipt
    /// What it is about, in its order; nil if they are too many to list.
    package let files: [ReceiptFile]?

    package init(_ receipt: Receipt, _ files: [ReceiptFile]) {
        self.receipt = receipt
        let isShort = files.count <= Self.mostFiles && files.reduce(0) { $0 + $1.path.count } <= Self.mostPathBytes
        self.files = isShort ? files : nil
    }

    // MARK: JSON

    package var text: String {
        let receipt = receipt
        var members: [JSONValue.Member] = [
            .init("receipt", .string(Self.kind)),
            .init("sender", .string("\(receipt.sender)")),
            .init("receiver", .string("\(receipt.receiver)")),
            .init("time", .integer(Int64(clamping: receipt.time))),
            .init("durable", .boolean(receipt.isDurable)),
            .init("count", .integer(Int64(receipt.files.count))),
            .init("bytes", .integer(Int64(clamping: receipt.files.bytes))),
            .init("digest", .string("\(receipt.files.digest)")),
            .init("sender_signature", JSONValue(optional: receipt.senderSignature.map(Self.hexadecimal))),
            .init("receiver_signature", JSONValue(optional: receipt.receiverSignature.map(Self.hexadecimal))),
        ]
        if let files { members.append(.init("files", .array(files.map(Self.json)))) }
        return JSONValue.object(members).prettyText
    }

    private static func json(_ file: ReceiptFile) -> JSONValue {
        let name = String(decoding: file.path, as: UTF8.self)
        return .object([
            Array(name.utf8) == file.path
                ? .init("path", .string(name)) : .init("path_hexadecimal", .string(hexadecimal(file.path))),
            .init("bytes", .integer(Int64(clamping: file.size))),
            .init("blake3", .string("\(file.digest)")),
        ])
    }

    package init(parsing text: String) throws(Problem) {
        let json: JSONValue
        do throws(JSONParser.Malformed) { json = try JSONParser.parse(text) } catch {
            throw .json(error.description)
        }
        guard case .string(Self.kind)? = json["receipt"] else { throw .member("receipt") }
        let sender = try Self.endpoint("sender", of: json)
        let receiver = try Self.endpoint("receiver", of: json)
        guard case .boolean(let isDurable)? = json["durable"] else { throw .member("durable") }
        let files = Receipt.Files(
            count: try Self.integer("count", of: json, UInt32.self),
            bytes: try Self.integer("bytes", of: json, UInt64.self),
            digest: try Self.digest("digest", of: json)
        )
        var receipt = Receipt(
            sender: sender,
            receiver: receiver,
            time: try Self.integer("time", of: json, UInt64.self),
            isDurable: isDurable,
            files: files
        )
        receipt.senderSignature = try Self.signature("sender_signature", of: json)
        receipt.receiverSignature = try Self.signature("receiver_signature", of: json)
        self.receipt = receipt
        guard let list = json["files"] else {
            self.files = nil
            return
        }
        guard case .array(let items) = list else { throw .member("files") }
        var parsed: [ReceiptFile] = []
        for item in items { parsed.append(try Self.file(item)) }
        self.files = parsed
        guard Receipt.Files(parsed) == files else { throw .files }
    }

    private static func file(_ json: JSONValue) throws(Problem) -> ReceiptFile {
        let path: [UInt8]
        if case .string(let name)? = json["path"] {
            path = Array(name.utf8)
        } else if case .string(let digits)? = json["path_hexadecimal"], let bytes = bytes(digits) {
            path = bytes
        } else {
            throw .member("path")
        }
        guard path.count <= Int(UInt16.max) else { throw .member("path") }
        let size = try integer("bytes", of: json, UInt64.self)
        return ReceiptFile(path: path, size: size, digest: try digest("blake3", of: json))
    }

    private static func endpoint(_ name: String, of json: JSONValue) throws(Problem) -> EndpointID {
        guard case .string(let text)? = json[name], let id = try? EndpointID(parsing: text) else { throw .member(name) }
        return id
    }

    private static func integer<Number: FixedWidthInteger>(
        _ name: String,
        of json: JSONValue,
        _ type: Number.Type
    ) throws(Problem) -> Number {
        guard case .integer(let value)? = json[name], let number = Number(exactly: value) else { throw .member(name) }
        return number
    }

    private static func digest(_ name: String, of json: JSONValue) throws(Problem) -> BLAKE3.Digest {
        guard case .string(let text)? = json[name], let bytes = bytes(text), let digest = BLAKE3.Digest(bytes) else {
            throw .member(name)
        }
        return digest
    }

    private static func signature(_ name: String, of json: JSONValue) throws(Problem) -> [UInt8]? {
        switch json[name] {
        case .null, nil: return nil
        case .string(let text):
            guard let bytes = bytes(text), bytes.count == Receipt.signatureLength else { throw .member(name) }
            return bytes
        default: throw .member(name)
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { Self.digits.firstIndex(of: $0) }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
