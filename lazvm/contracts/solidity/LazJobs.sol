// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Statement} from "lazai-precompiles/solidity/LazAI.sol";
import {Acceptance, LazProofs} from "./LazProofs.sol";
import {LazModels, Tariff, Tariffs} from "./LazModels.sol";
import {DataAnchoringToken} from "./DataAnchoringToken.sol";

/// @notice What a requester asks for.
struct Request {
    /// The model, which is registered.
    bytes32 model;
    /// The hash of the job: keccak256 of its canonical bytes.
    bytes32 input;
    /// These bytes, for all to read; or none, if workers get them elsewhere.
    bytes job;
    /// The most work that is paid for.
    uint64 maxFlops;
    uint64 maxPeakBytes;
    /// The longest answer, in bytes; with 0 only the hash of the answer is delivered.
    uint32 maxAnswerBytes;
    /// The only account that may deliver, or zero for any.
    address worker;
    /// The token of the agent that the job uses, or 0.
    uint256 agent;
    /// The last second in which an answer is taken.
    uint64 deadline;
    /// Gas with which the requester is called back; 0 for no call.
    uint32 callbackGas;
    /// What the requester pays for a unit of it.
    uint96 callbackGasPrice;
    /// Proofs that are taken, one of which is enough.
    Acceptance[] acceptances;
}

/// @notice What a job is delivered under: the request, and what was said about model and agent when it was made. The log has it;
/// the state has its hash.
struct Terms {
    address requester;
    bytes32 model;
    bytes32 input;
    uint64 maxFlops;
    uint64 maxPeakBytes;
    uint32 maxAnswerBytes;
    address worker;
    uint256 agent;
    uint128 agentFee;
    uint32 callbackGas;
    uint96 callbackGasPrice;
    Tariff tariff;
    address modelOwner;
    uint16 modelShareBps;
    uint256 modelDat;
    Acceptance[] acceptances;
}

/// @notice What a worker brings.
struct Delivery {
    /// Which of the proofs that are taken this one is.
    uint32 acceptance;
    /// The hash of the answer: keccak256 of its canonical bytes.
    bytes32 output;
    /// These bytes, or none.
    bytes answer;
    /// The work of the run.
    uint64 flops;
    uint64 peakBytes;
    bytes proof;
}

/// @notice Where a job stands.
enum Status {
    None,
    Open,
    /// The requester has cancelled; until the deadline, an answer is still taken.
    Cancelling,
    Delivered,
    Cancelled,
    Expired
}

/// @notice A job, as the state has it.
struct Job {
    address requester;
    Status status;
    /// The last second in which an answer is taken.
    uint64 deadline;
    /// Wei that wait for the outcome.
    uint256 escrow;
    /// Of an open job the hash of its terms, of a delivered one the hash of the answer.
    bytes32 hash;
}

/// @title A contract that is called back
/// @notice It must refuse every sender but the contract of jobs. Each job calls back once at most.
interface ILazJobsCallback {
    /// @notice A job was delivered, its proof checked.
    function onJobDelivered(bytes32 id, bytes32 output, bytes calldata answer) external;
}

/// @title Jobs that a transaction is too small for
/// @notice A requester pays the whole quote into escrow; a worker delivers the answer with a proof; the contract checks the proof,
/// pays by the work that was proved, and calls the requester back. What is not needed is the requester's again. All payments are
/// pulled, so nobody can keep anybody else from being paid.
///
/// Of the price of the run the model gets its share rounded down, and the worker the rest, with all that the callback was quoted at.
///
/// There is no owner, and nobody can change this code.
contract LazJobs is ReentrancyGuard {
    using Tariffs for Tariff;

    /// @notice A job waits for a worker.
    event JobRequested(
        bytes32 indexed id, address indexed requester, bytes32 indexed model, uint64 deadline, Terms terms, bytes job
    );
    /// @notice The requester has cancelled; until the deadline, an answer is still taken.
    event JobCancelling(bytes32 indexed id, uint64 deadline);
    /// @notice A job was delivered.
    event JobDelivered(
        bytes32 indexed id,
        address indexed worker,
        bytes32 indexed output,
        bytes answer,
        uint256 workerWei,
        uint256 modelWei,
        uint256 agentWei,
        uint256 refundWei
    );
    /// @notice The requester was called back.
    event JobCalledBack(bytes32 indexed id, bool success);
    /// @notice The escrow of a job is the requester's again.
    event JobRefunded(bytes32 indexed id, Status status, uint256 refundWei);
    /// @notice Wei were paid out.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    /// @notice What a token's holders have earned was passed on.
    event Forwarded(uint256 indexed dat, uint256 amount);

    error AnswerTooLong(uint256 got, uint256 max);
    error DeadlinePassed(bytes32 id, uint64 deadline);
    error DeadlineNotPassed(bytes32 id, uint64 deadline);
    error InvalidProof();
    error InvalidRequest();
    error NotEnoughGas();
    error NotOpen(bytes32 id, Status status);
    error NotRequester(bytes32 id, address account);
    error NotWorker(bytes32 id, address account);
    error NothingOwed(address account);
    error OtherModel(bytes32 got, bytes32 expected);
    error PaymentFailed(address to);
    error UnknownAcceptance(uint32 got, uint256 count);
    error WorkExceeded(uint64 flops, uint64 peakBytes);
    error WrongAnswer(bytes32 got, bytes32 expected);
    error WrongJob();
    error WrongTerms(bytes32 id);
    error WrongValue(uint256 got, uint256 expected);

    /// @notice Most kinds of proofs that a job takes.
    uint256 public constant MAX_ACCEPTANCES = 8;
    /// @notice Most bytes of an answer.
    uint32 public constant MAX_ANSWER_BYTES = 32_768;
    /// @notice Most gas of a callback.
    uint32 public constant MAX_CALLBACK_GAS = 4_000_000;
    /// @notice Gas that is paid for a callback besides its own.
    uint256 public constant CALLBACK_OVERHEAD = 10_000;
    /// @notice Longest time to a deadline, in seconds.
    uint64 public constant MAX_WAIT = 30 days;
    /// @notice Seconds in which an answer is still taken after the requester has cancelled.
    uint64 public constant CANCEL_NOTICE = 10 minutes;

    LazModels public immutable MODELS;
    DataAnchoringToken public immutable DAT;
    /// @notice Checks certificates where there is no precompile; zero if nobody does.
    address public immutable QUORUM_VERIFIER;

    mapping(bytes32 id => Job) private _jobs;
    mapping(address account => uint256) private _requests;
    mapping(address account => uint256) private _owed;
    mapping(uint256 dat => uint256) private _owedToDat;

    constructor(LazModels models, DataAnchoringToken dat, address quorumVerifier) {
        MODELS = models;
        DAT = dat;
        QUORUM_VERIFIER = quorumVerifier;
    }

    // Requesters.

    /// @notice Asks for a job and pays exactly what `quote` tells.
    /// @return id The name of the job.
    function request(Request calldata request_) external payable returns (bytes32 id) {
        Terms memory terms = _terms(request_);
        uint256 price = _quote(terms);
        if (msg.value != price) revert WrongValue(msg.value, price);
        id = idOf(msg.sender, _requests[msg.sender]++);
        _jobs[id] = Job(msg.sender, Status.Open, request_.deadline, price, keccak256(abi.encode(terms)));
        emit JobRequested(id, msg.sender, request_.model, request_.deadline, terms, request_.job);
    }

    /// @notice The wei that `request` takes: the run at its most work, the agent and the callback.
    function quote(Request calldata request_) external view returns (uint256) {
        return _quote(_terms(request_));
    }

    /// @notice Cancels a job: in ten minutes, or at its deadline if that comes first, it can be refunded. An answer that is on its
    /// way is still taken, so that nobody can read it and not pay.
    function cancel(bytes32 id) external {
        Job storage job_ = _jobs[id];
        if (job_.status != Status.Open) revert NotOpen(id, job_.status);
        if (job_.requester != msg.sender) revert NotRequester(id, msg.sender);
        uint64 end = uint64(block.timestamp) + CANCEL_NOTICE;
        if (end < job_.deadline) job_.deadline = end;
        job_.status = Status.Cancelling;
        emit JobCancelling(id, job_.deadline);
    }

    /// @notice Gives the escrow of a job that nobody delivered back to its requester; anybody may.
    function refund(bytes32 id) external {
        Job storage job_ = _open(id);
        if (block.timestamp <= job_.deadline) revert DeadlineNotPassed(id, job_.deadline);
        _refund(id, job_, job_.status == Status.Cancelling ? Status.Cancelled : Status.Expired);
    }

    // Workers.

    /// @notice Delivers a job.
    function deliver(bytes32 id, Terms calldata terms, Delivery calldata delivery) external nonReentrant {
        Job storage job_ = _open(id);
        if (block.timestamp > job_.deadline) revert DeadlinePassed(id, job_.deadline);
        _match(id, job_, terms);
        if (terms.worker != address(0) && terms.worker != msg.sender) revert NotWorker(id, msg.sender);
        _check(id, terms, delivery);

        job_.status = Status.Delivered;
        job_.hash = delivery.output;
        uint256 escrow = job_.escrow;
        job_.escrow = 0;
        _pay(id, terms, delivery, escrow);
        if (terms.callbackGas != 0) {
            bool success = _callBack(
                terms.requester,
                terms.callbackGas,
                abi.encodeCall(ILazJobsCallback.onJobDelivered, (id, delivery.output, delivery.answer))
            );
            emit JobCalledBack(id, success);
        }
    }

    /// @notice Refuses a job that is for the caller alone; its escrow is the requester's again at once.
    function decline(bytes32 id, Terms calldata terms) external {
        Job storage job_ = _open(id);
        _match(id, job_, terms);
        if (terms.worker != msg.sender) revert NotWorker(id, msg.sender);
        _refund(id, job_, Status.Cancelled);
    }

    // Payments.

    /// @notice Pays the caller all that it is owed.
    function withdraw(address payable to) external nonReentrant returns (uint256 amount) {
        amount = _owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        _owed[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert PaymentFailed(to);
    }

    /// @notice Pays the holders of a token what jobs owe them; anybody may.
    function forward(uint256 dat) external nonReentrant returns (uint256 amount) {
        amount = _owedToDat[dat];
        if (amount == 0) revert NothingOwed(address(DAT));
        _owedToDat[dat] = 0;
        emit Forwarded(dat, amount);
        DAT.payToHolders{value: amount}(dat);
    }

    // Reading.

    /// @notice The job with this name.
    function job(bytes32 id) external view returns (Job memory) {
        return _jobs[id];
    }

    /// @notice Wei that an account may withdraw.
    function owedTo(address account) external view returns (uint256) {
        return _owed[account];
    }

    /// @notice Wei that the holders of a token have earned.
    function owedToDat(uint256 dat) external view returns (uint256) {
        return _owedToDat[dat];
    }

    /// @notice Jobs that an account has asked for.
    function requestsOf(address account) external view returns (uint256) {
        return _requests[account];
    }

    /// @notice The name of an account's request, by its number from 0.
    function idOf(address requester, uint256 number) public view returns (bytes32) {
        return keccak256(abi.encode("lazvm/job-id/1", block.chainid, address(this), requester, number));
    }

    /// @notice The context of the statement that this worker's proof shows. It names the worker, so that a proof is worth nothing
    /// to who copies it from a waiting transaction.
    function contextOf(bytes32 id, address worker) public pure returns (bytes32) {
        return keccak256(abi.encode("lazvm/job-context/1", id, worker));
    }

    function _terms(Request calldata request_) private view returns (Terms memory terms) {
        _validate(request_);
        uint256 datId;
        (terms.modelOwner, terms.tariff, terms.modelShareBps, datId) = MODELS.terms(request_.model);
        // A token that does not exist has no holders.
        if (datId != 0 && datId <= DAT.currentTokenId()) terms.modelDat = datId;
        terms.requester = msg.sender;
        terms.model = request_.model;
        terms.input = request_.input;
        terms.maxFlops = request_.maxFlops;
        terms.maxPeakBytes = request_.maxPeakBytes;
        terms.maxAnswerBytes = request_.maxAnswerBytes;
        terms.worker = request_.worker;
        terms.callbackGas = request_.callbackGas;
        terms.callbackGasPrice = request_.callbackGasPrice;
        terms.acceptances = request_.acceptances;
        if (request_.agent != 0) {
            bytes32 model;
            (model, terms.agentFee) = DAT.agentTerms(request_.agent);
            if (model != request_.model) revert OtherModel(request_.model, model);
            terms.agent = request_.agent;
        }
    }

    function _validate(Request calldata request_) private view {
        uint256 count = request_.acceptances.length;
        if (
            count == 0 || count > MAX_ACCEPTANCES || request_.maxAnswerBytes > MAX_ANSWER_BYTES
                || request_.callbackGas > MAX_CALLBACK_GAS || request_.deadline <= block.timestamp
                || request_.deadline > block.timestamp + MAX_WAIT
        ) revert InvalidRequest();
        for (uint256 index = 0; index < count; ++index) {
            LazProofs.validate(request_.acceptances[index], QUORUM_VERIFIER);
        }
        bytes calldata bytes_ = request_.job;
        if (bytes_.length == 0) return;
        if (
            bytes_.length < JOB_MODEL_AT + 32 || bytes19(bytes_) != JOB_HEAD
                || bytes32(bytes_[JOB_MODEL_AT:JOB_MODEL_AT + 32]) != request_.model
                || keccak256(bytes_) != request_.input
        ) revert WrongJob();
    }

    function _quote(Terms memory terms) private pure returns (uint256) {
        return terms.tariff.fee(terms.maxFlops, terms.maxPeakBytes) + terms.agentFee
            + _callbackFee(terms.callbackGas, terms.callbackGasPrice);
    }

    function _callbackFee(uint256 gas_, uint256 gasPrice) private pure returns (uint256) {
        return gas_ == 0 ? 0 : (gas_ + CALLBACK_OVERHEAD) * gasPrice;
    }

    function _open(bytes32 id) private view returns (Job storage job_) {
        job_ = _jobs[id];
        if (job_.status != Status.Open && job_.status != Status.Cancelling) revert NotOpen(id, job_.status);
    }

    function _match(bytes32 id, Job storage job_, Terms calldata terms) private view {
        if (keccak256(abi.encode(terms)) != job_.hash) revert WrongTerms(id);
    }

    function _check(bytes32 id, Terms calldata terms, Delivery calldata delivery) private view {
        if (delivery.flops > terms.maxFlops || delivery.peakBytes > terms.maxPeakBytes) {
            revert WorkExceeded(delivery.flops, delivery.peakBytes);
        }
        uint256 length = delivery.answer.length;
        if (length > terms.maxAnswerBytes) revert AnswerTooLong(length, terms.maxAnswerBytes);
        if (terms.maxAnswerBytes != 0) {
            bytes32 hash = keccak256(delivery.answer);
            if (hash != delivery.output) revert WrongAnswer(hash, delivery.output);
        }
        if (delivery.acceptance >= terms.acceptances.length) {
            revert UnknownAcceptance(delivery.acceptance, terms.acceptances.length);
        }
        Statement memory statement = Statement(
            terms.model,
            terms.input,
            delivery.output,
            delivery.flops,
            delivery.peakBytes,
            contextOf(id, msg.sender)
        );
        Acceptance calldata acceptance = terms.acceptances[delivery.acceptance];
        if (!LazProofs.shows(acceptance, QUORUM_VERIFIER, statement, delivery.proof)) revert InvalidProof();
    }

    function _pay(bytes32 id, Terms calldata terms, Delivery calldata delivery, uint256 escrow) private {
        Tariff memory tariff = terms.tariff;
        uint256 price = tariff.fee(delivery.flops, delivery.peakBytes);
        uint256 modelWei = price * terms.modelShareBps / 10_000;
        uint256 workerWei = price - modelWei + _callbackFee(terms.callbackGas, terms.callbackGasPrice);
        uint256 agentWei = terms.agentFee;
        uint256 refundWei = escrow - modelWei - workerWei - agentWei;
        _owed[msg.sender] += workerWei;
        if (refundWei != 0) _owed[terms.requester] += refundWei;
        if (agentWei != 0) _owedToDat[terms.agent] += agentWei;
        if (modelWei != 0) {
            if (terms.modelDat == 0) _owed[terms.modelOwner] += modelWei;
            else _owedToDat[terms.modelDat] += modelWei;
        }
        emit JobDelivered(
            id, msg.sender, delivery.output, delivery.answer, workerWei, modelWei, agentWei, refundWei
        );
    }

    function _refund(bytes32 id, Job storage job_, Status status) private {
        uint256 escrow = job_.escrow;
        job_.status = status;
        job_.escrow = 0;
        _owed[job_.requester] += escrow;
        emit JobRefunded(id, status, escrow);
    }

    /// Calls with exactly this gas, or reverts if it cannot, and takes nothing of what is returned into memory.
    function _callBack(address to, uint256 gas_, bytes memory data) private returns (bool success) {
        // A call gets at most 63/64 of what is left when it starts (EIP-150). The reserve pays for the call itself and what
        // comes after it.
        if (gasleft() < gas_ + gas_ / 63 + 1 + CALL_RESERVE) revert NotEnoughGas();
        assembly ("memory-safe") {
            success := call(gas_, to, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }

    uint256 private constant CALL_RESERVE = 12_000;
    /// What the canonical bytes of a job begin with: the length of the domain, and the domain.
    bytes19 private constant JOB_HEAD = bytes19(0x0b000000000000006c617a766d2f6a6f622f31);
    uint256 private constant JOB_MODEL_AT = 19;
}
