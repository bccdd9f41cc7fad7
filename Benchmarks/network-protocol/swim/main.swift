internal import Glibc
internal import NetworkProtocol
internal import NetworkSimulation
internal import SwimSimulation

// SWIM at scale, on the tests' simulated network: no real time passes, and the same seed gives the same figures.
//
//   swim-benchmark [MEMBERS] [LOSS] [PERIODS] [CRASHES] [SEED]      500 0.01 10000 20 1 by default
//
// Joins all members at once through two seeds, and counts false positives in PERIODS protocol periods at rest. Then
// crashes a member CRASHES times at random moments and restarts it. Exits with 1 if a bar is missed.

func argument<Value: LosslessStringConvertible>(_ index: Int, _ fallback: Value) -> Value {
    guard CommandLine.arguments.count > index else { return fallback }
    guard let value = Value(CommandLine.arguments[index]) else {
        fatalError(
            "swim-benchmark [MEMBERS] [LOSS] [PERIODS] [CRASHES] [SEED]: \(CommandLine.arguments[index]) is no number"
        )
    }
    return value
}

func rounded(_ number: Double, _ digits: Double = 10) -> Double { (number * digits).rounded() / digits }

let members = argument(1, 500)
let loss = argument(2, 0.01)
let periods = argument(3, 10_000)
let crashes = argument(4, 20)
let seed = argument(5, UInt64(1))

let network = SimulatedNetwork(seed: seed)
network.conditions.loss = loss
network.start(members, seeds: 2)
guard let join = network.run(limit: 100, until: { network.isWhole }) else {
    fatalError("\(members) members do not find each other within 100 periods")
}
// The news about joining has been sent.
network.run(periods: 60)

func bytesSent(_ network: SimulatedNetwork) -> [Int] { network.nodes.map(\.bytesSent) }

var suspicions = 0
network.observer = { _, event in if event.change == .suspected { suspicions += 1 } }
let before = bytesSent(network)
let falseBefore = network.falsePositives
network.run(periods: Double(periods))
let falsePositives = network.falsePositives - falseBefore
let contradicted = suspicions
let rest = zip(bytesSent(network), before).map { Double($0 - $1) / Double(periods) }
let restMean = rest.reduce(0, +) / Double(members)

var random = SplitMix64(seed: seed &+ 1)
var times: [Double] = []
var busy: [Double] = []
for _ in 0..<crashes {
    network.run(periods: Double.random(in: 20..<25, using: &random))
    let victim = Int.random(in: 0..<members, using: &random)
    let sent = bytesSent(network)
    network.crash(victim)
    guard let took = network.run(limit: 100, until: { network.all(believe: .dead, of: victim) }) else {
        fatalError("a crash is not known to all within 100 periods")
    }
    times.append(took)
    busy.append(Double(zip(bytesSent(network), sent).reduce(0) { $0 + $1.0 - $1.1 }) / Double(members) / took)
    network.start(victim, seeds: [0, 1].filter { $0 != victim })
    guard network.run(limit: 100, until: { network.isWhole }) != nil else {
        fatalError("a member that starts again is not known to all within 100 periods")
    }
}
times.sort()
busy.sort()
let falseLater = network.falsePositives - falseBefore - falsePositives
let worst = times.last ?? 0
let setting = "\(members) members, \(rounded(loss * 100)) % loss"

print("| what | bar | measured | met |")
print("| --- | --- | --- | --- |")
print(
    "| \(setting): periods until a crash is known to all, \(crashes) crashes | ≤ 10 |",
    "median \(rounded(times[times.count / 2])), max \(rounded(worst)) | \(worst <= 10 ? "yes" : "no") |"
)
print(
    "| \(setting): false positives in \(periods) periods | 0 | \(falsePositives)",
    "(suspicions that were contradicted, counted at each member: \(contradicted)) | \(falsePositives == 0 ? "yes" : "no") |"
)
print("| false positives while members crashed and came back | – | \(falseLater) | – |")
print(
    "| bytes sent by a member in a period at rest, sealed | – |",
    "mean \(Int(restMean)), max \(Int(rest.max() ?? 0)) | – |"
)
print(
    "| bytes sent by a member in a period while a crash becomes known | – |",
    "median \(Int(busy[busy.count / 2])), max \(Int(busy.last ?? 0)) | – |"
)
print("| periods until \(members) members that start at once know each other | – | \(rounded(join)) | – |")
if worst > 10 || falsePositives > 0 { exit(1) }
