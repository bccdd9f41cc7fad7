internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Files
internal import Identity
internal import Operations

struct ReceiptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Show and verify what both ends of a transfer have signed.",
        subcommands: [Show.self, Verify.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the receipt of a transfer, to be kept in a file or given to others."
        )

        @Argument(help: ArgumentHelp("The transfer's number in `courier history`.", valueName: "number"))
        var number: Int64

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            guard let text = try TransferHistory().receipt(of: number) else {
                throw ValidationError("transfer \(number) is not in `courier history`, or has no receipt")
            }
            CommandOutput.line(text)
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a receipt's signatures, and that files are those that it is about.",
            discussion: """
                Nothing else is needed: no key, no history, no network. Who stands behind an Endpoint ID is known to those who \
                have paired with it.
                """
        )

        @Argument(help: ArgumentHelp("A file that `courier receipt show` wrote.", valueName: "receipt"))
        var receipt: String

        @Argument(
            help: ArgumentHelp(
                "The file that was sent; of several files the folder where they stand, as the receiver's --to.",
                valueName: "path"
            )
        )
        var path: String?

        @OptionGroup var shared: SharedOptions

        /// The year 9999: a receipt may say anything.
        private static let latest: UInt64 = 253_402_300_799

        private struct Output: Encodable {
            let sender: String
            let receiver: String
            let time: String
            let isDurable: Bool
            let files: UInt32
            let bytes: UInt64
            let digest: String
            /// Null if no files were compared.
            let matches: Bool?

            enum CodingKeys: String, CodingKey {
                case sender, receiver, time, files, bytes, digest, matches
                case isDurable = "durable"
            }
        }

        func run() async throws {
            let text: [UInt8]
            do throws(FileError) {
                text = try StateFiles.read(receipt, limit: ReceiptDocument.longest)
            } catch { throw TransferError(.local, "\(error)") }
            let document: ReceiptDocument
            do throws(ReceiptDocument.Problem) {
                document = try ReceiptDocument(parsing: String(decoding: text, as: UTF8.self))
            } catch { throw TransferError(.integrity, "\(receipt) is no receipt: \(error)") }
            let signed = document.receipt
            for (end, id, signature) in [
                ("receiver", signed.receiver, signed.receiverSignature),
                ("sender", signed.sender, signed.senderSignature),
            ] {
                guard signature != nil else {
                    throw TransferError(.integrity, "\(receipt): the \(end), \(id), has not signed it")
                }
                guard signed.isSigned(by: id, signature) else {
                    throw TransferError(.integrity, "\(receipt): the signature of the \(end), \(id), is wrong")
                }
            }
            if let path { try document.compare(with: path) }
            let time = Timestamp(microseconds: Int64(clamping: min(signed.time, Self.latest)) * 1_000_000)
            if shared.json {
                return try CommandOutput.put(
                    json: Output(
                        sender: "\(signed.sender)",
                        receiver: "\(signed.receiver)",
                        time: "\(time)",
                        isDurable: signed.isDurable,
                        files: signed.files.count,
                        bytes: signed.files.bytes,
                        digest: "\(signed.files.digest)",
                        matches: path == nil ? nil : true
                    )
                )
            }
            let what = signed.files.count == 1 ? "1 file" : "\(signed.files.count) files"
            CommandOutput.put(
                KeyValueBlock(
                    title: "Both signatures are right" + (path == nil ? "" : ", and so is what is there"),
                    rows: [
                        .init("Sender", "\(signed.sender)"), .init("Receiver", "\(signed.receiver)"),
                        .init("Time", time.readable + ", by the receiver's clock"),
                        .init(
                            "Received",
                            "\(what), \(Quantity.bytes(Double(signed.files.bytes)))"
                                + (signed.isDurable ? ", on the disk" : "")
                        ),
                        .init(
                            "BLAKE3",
                            "\(signed.files.digest)" + (signed.files.count == 1 ? "" : " of the list of files")
                        ),
                    ]
                ).text
            )
        }
    }
}
