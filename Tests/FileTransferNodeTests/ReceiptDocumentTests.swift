internal import Cryptography
internal import Foundation
internal import Identity
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

@Suite("Receipts as files", .ownThread)
struct ReceiptDocumentTests {
    private let sender = IdentityKey()
    private let receiver = IdentityKey()
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ path: [UInt8], _ content: [UInt8] = [1, 2, 3]) -> ReceiptFile {
        ReceiptFile(path: path, size: UInt64(content.count), digest: BLAKE3.hash(content.span.bytes))
    }

    private func document(_ files: [ReceiptFile]) throws -> ReceiptDocument {
        var receipt = Receipt(
            sender: sender.endpointID,
            receiver: receiver.endpointID,
            time: 1_800_000_000,
            isDurable: true,
            files: try #require(Receipt.Files(files))
        )
        receipt.senderSignature = receipt.signature(of: sender)
        receipt.receiverSignature = receipt.signature(of: receiver)
        return ReceiptDocument(receipt, files)
    }

    @Test func `a receipt is read as it was written, with names of any bytes`() throws {
        for files in [[file([0x61])], [file([0x61, 0x2F, 0xFF]), file(Array("\u{e9}\n\"".utf8), [])]] {
            let document = try document(files)
            #expect(try ReceiptDocument(parsing: document.text) == document)
        }
        var unsigned = try document([file([0x61])]).receipt
        unsigned.senderSignature = nil
        let document = ReceiptDocument(unsigned, [file([0x61])])
        #expect(try ReceiptDocument(parsing: document.text) == document)
    }

    @Test func `too many files are not listed, and cannot be compared`() throws {
        let files = (0...10_000).map { file(Array("f\($0)".utf8), []) }
        let document = try ReceiptDocument(parsing: try document(files).text)
        #expect(document.files == nil)
        #expect(document.receipt.files.count == 10_001)
        let long = (0..<300).map { file([UInt8](repeating: 0xFF, count: 4_000) + Array("\($0)".utf8), []) }
        #expect(try self.document(long).files == nil)
        #expect(try self.document(Array(long.prefix(200))).text.utf8.count < ReceiptDocument.longest)
        #expect(throws: TransferError.self) { try document.compare(with: folder.path) }
    }

    @Test(arguments: ["../outside", "/etc/hostname", "a/../../outside", "a//b", ".", "a/"])
    func `a name that leads out of the folder is refused, though both have signed it`(name: String) throws {
        try write([1, 2, 3], to: folder.file("outside"))
        try FileManager.default.createDirectory(atPath: folder.file("in"), withIntermediateDirectories: false)
        let document = try document([file(Array(name.utf8)), file(Array("b".utf8))])
        let error = #expect(throws: TransferError.self) { try document.compare(with: folder.file("in")) }
        #expect(error?.kind == .integrity)
        #expect(error?.description.contains("leads out of its folder") == true)
    }

    @Test func `no symbolic link is followed to a file that is compared`() throws {
        try write([1, 2, 3], to: folder.file("outside"))
        try FileManager.default.createDirectory(atPath: folder.file("in"), withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: folder.file("in/a"), withDestinationPath: "../outside")
        try FileManager.default.createSymbolicLink(atPath: folder.file("in/up"), withDestinationPath: "..")
        for name in ["a", "up/outside"] {
            let document = try document([file(Array(name.utf8)), file(Array("b".utf8))])
            #expect(throws: TransferError.self) { try document.compare(with: folder.file("in")) }
        }
    }
}
