internal import Cryptography
internal import Identity
internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Receipts", .ownThread)
struct ReceiptTests {
    private let sender = IdentityKey()
    private let receiver = IdentityKey()

    private func files(_ count: Int) -> [ReceiptFile] {
        (0..<count).map { number in
            let bytes = [UInt8](repeating: UInt8(number), count: 3)
            return ReceiptFile(path: Array("f\(number)".utf8), size: 3, digest: BLAKE3.hash(bytes.span.bytes))
        }
    }

    private func receipt(_ files: Receipt.Files, time: UInt64 = 7, isDurable: Bool = false) -> Receipt {
        Receipt(
            sender: sender.endpointID,
            receiver: receiver.endpointID,
            time: time,
            isDurable: isDurable,
            files: files
        )
    }

    @Test func `one file has its own digest, several have that of their list in its order`() throws {
        let one = try #require(Receipt.Files(files(1)))
        #expect(one.digest == files(1)[0].digest)
        let two = try #require(Receipt.Files(files(2)))
        #expect(two.count == 2 && two.bytes == 6)
        var list: [UInt8] = []
        for file in files(2) {
            list += [0, 2] + file.path + [0, 0, 0, 0, 0, 0, 0, 3] + file.digest
        }
        #expect(two.digest == BLAKE3.hash(list.span.bytes))
        #expect(Receipt.Files(files(2).reversed())?.digest != two.digest)
        #expect(Receipt.Files([]) == nil)
    }

    @Test func `a signature holds for its receipt and its end only`() throws {
        let all = try #require(Receipt.Files(files(2)))
        let right = receipt(all)
        let signature = right.signature(of: receiver)
        #expect(right.isSigned(by: receiver.endpointID, signature))
        #expect(!right.isSigned(by: sender.endpointID, signature))
        #expect(!right.isSigned(by: receiver.endpointID, nil))
        #expect(!right.isSigned(by: receiver.endpointID, Array(signature.dropLast())))
        let others = [
            receipt(all, time: 8), receipt(all, isDurable: true), receipt(try #require(Receipt.Files(files(3)))),
            receipt(Receipt.Files(count: 3, bytes: all.bytes, digest: all.digest)),
            receipt(Receipt.Files(count: 2, bytes: 5, digest: all.digest)),
            Receipt(
                sender: receiver.endpointID,
                receiver: sender.endpointID,
                time: 7,
                isDurable: false,
                files: all
            ),
        ]
        for other in others { #expect(!other.isSigned(by: receiver.endpointID, signature)) }
    }

    // MARK: In a transfer

    @Test(arguments: Seeds.first(20))
    func `both ends of a transfer have the same receipt, also over a path that loses and repeats`(_ seed: Int) throws {
        var path = SessionPair.Path()
        path.loss = 100
        path.duplication = 100
        path.reordering = 100
        var pair = try SessionPair(
            [[1, 2, 3], [], [UInt8](repeating: 7, count: 70_000)],
            over: path,
            seed: UInt64(seed)
        )
        pair.run()
        let (isDone, ends) = (pair.isDone, pair.ends)
        #expect(isDone, "\(ends)")
        let (sent, received) = (pair.sender.content.receipt, pair.receiver.content.receipt)
        let receipt = try #require(sent)
        #expect(received == receipt)
        #expect(receipt.time == 2 && receipt.files.count == 3 && receipt.files.bytes == 70_003)
        #expect(receipt.isSigned(by: receipt.sender, receipt.senderSignature))
        #expect(receipt.isSigned(by: receipt.receiver, receipt.receiverSignature))
        let (own, others) = (pair.sender.content.receiptFiles, pair.receiver.content.receiptFiles)
        #expect(Receipt.Files(own) == receipt.files)
        #expect(own == others)
    }

    @Test func `a receipt that comes too early, twice, or signed by another or for something else ends the session`()
        throws
    {
        var pair = try SessionPair([[1, 2, 3]])
        pair.run()
        let receipt = pair.sender.content.receipt
        let signed = try #require(receipt)
        let good = Receipt.Signed(time: 2, isDurable: false, signature: try #require(signed.receiverSignature))
        let answer = Receipt.Signed(time: 2, isDurable: false, signature: try #require(signed.senderSignature))
        var early = try SessionPair([[1, 2, 3]])
        // Of another session: the ends are others.
        var other = try SessionPair([[1, 2, 3]])
        other.stopsBeforeReceipts = true
        other.run()
        let state = other.sender.content.state
        #expect(state == .finished)
        pair.sender.content.receive(.receipt(good))
        pair.receiver.content.receive(.receipt(answer))
        early.sender.content.receive(.receipt(good))
        early.receiver.content.receive(.receipt(answer))
        other.sender.content.receive(.receipt(good))
        other.receiver.content.receive(.receipt(answer))
        let violations = [
            pair.sender.content.violation, pair.receiver.content.violation, early.sender.content.violation,
            early.receiver.content.violation, other.sender.content.violation, other.receiver.content.violation,
        ]
        #expect(!violations.contains(nil), "\(violations)")
    }
}
