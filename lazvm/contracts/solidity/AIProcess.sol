// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {NodeRegistry} from "./NodeRegistry.sol";

/// @notice Money on its way back to a user.
struct Refund {
    uint256 index;
    uint256 amount;
    uint256 createdAt;
    bool processed;
}

/// @notice What a user has deposited for a node.
struct Account {
    address user;
    address node;
    /// The highest nonce that was settled.
    uint256 nonce;
    uint256 balance;
    /// Of the balance, what is on its way back.
    uint256 pendingRefund;
    Refund[] refunds;
}

/// @notice What a node asks for.
struct SettlementData {
    string id;
    address user;
    uint256 cost;
    uint256 nonce;
    bytes userSignature;
}

/// @notice What a node asks for, signed by it (EIP-191 over the hash of the encoded data).
struct SettlementProof {
    bytes signature;
    SettlementData data;
}

/// @notice What a user allows (EIP-712; the domain names chain and contract).
struct Authorization {
    address user;
    address node;
    /// 0 query, 1 inference, 2 training.
    uint8 kind;
    bytes32 bodyHash;
    bytes32 model;
    uint256 dat;
    uint256 maxFee;
    uint256 nonce;
    /// The last second in which it counts.
    uint64 deadline;
}

/// @notice What a process tells the contract that keeps the users.
interface ISettlement {
    function settlement(address user, uint256 cost) external;
}

/// @title The fees of one kind of request
/// @notice Holds what users have deposited for nodes: at any time, the contract's wei are the sum of all balances. Only the contract
/// of settlement moves money in or back; only an active node takes a fee, once for each nonce that the user has signed.
///
/// Nobody can change this code, nor the contract of settlement once it is set.
contract AIProcess is NodeRegistry, Pausable, ReentrancyGuard, EIP712 {
    using EnumerableSet for EnumerableSet.Bytes32Set;

    /// @notice What a user has at a node has changed.
    event BalanceUpdated(address indexed user, address indexed node, uint256 amount, uint256 pendingRefund);
    /// @notice The contract of settlement was set.
    event SettlementUpdated(address newSettlement);
    /// @notice A fee was paid.
    event FeeSettled(address indexed user, address indexed node, uint256 indexed nonce, string id, uint256 cost);
    /// @notice A user takes only typed authorizations, or legacy signatures too.
    event TypedOnlySet(address indexed user, bool isTypedOnly);

    error AccountAlreadyExists(address user, address node);
    error AccountNotExists(address user, address node);
    error AlreadySet();
    error AuthorizationMismatch();
    error BalanceLeft(address user, address node);
    error DeadlinePassed(uint64 deadline);
    error FeeTooHigh(uint256 got, uint256 max);
    error InsufficientBalance(address user, address node);
    error InvalidKind(uint8 kind);
    error InvalidNodeSignature(bytes32 messageHash, address node);
    error InvalidUserSignature(bytes32 messageHash, uint256 nonce, address user, address node);
    error LegacyRefused(address user);
    error NonceTooLow();
    error NonceUsed(uint256 nonce);
    error NotSettlement(address caller);
    error PaymentFailed(address to);

    bytes32 public constant AUTHORIZATION_TYPEHASH = keccak256(
        "Authorization(address user,address node,uint8 kind,bytes32 bodyHash,bytes32 model,uint256 dat,uint256 maxFee,uint256 nonce,uint64 deadline)"
    );
    /// @notice Nonces are taken in any order as long as they are less than this below the highest. Clients count 100,000 of them a
    /// millisecond: eleven minutes.
    uint256 public constant NONCE_WINDOW = 1 << 36;
    /// @notice Most refunds of an account that wait; what is asked for beyond joins the newest.
    uint256 public constant MAX_REFUNDS = 8;
    /// @notice Seconds from asking for money back until it moves.
    uint256 public immutable lockTime;
    /// @notice 0 query, 1 inference, 2 training.
    uint8 public immutable KIND;

    /// @notice The contract that keeps the users.
    address public settlement;

    mapping(bytes32 key => Account) private _accounts;
    EnumerableSet.Bytes32Set private _keys;
    /// These outlive accounts, so that a nonce stays used.
    mapping(bytes32 key => uint256) private _highest;
    mapping(bytes32 key => mapping(uint256 word => uint256)) private _used;
    /// @notice Whether a user takes only typed authorizations.
    mapping(address user => bool) public isTypedOnly;

    modifier onlySettlement() {
        if (msg.sender != settlement) revert NotSettlement(msg.sender);
        _;
    }

    /// @param settlement_ May be zero, to be set once later.
    constructor(address admin, address settlement_, uint256 lockTime_, uint8 kind)
        NodeRegistry(admin)
        EIP712("AIProcess", "1")
    {
        if (kind > 2) revert InvalidKind(kind);
        (settlement, lockTime, KIND) = (settlement_, lockTime_, kind);
    }

    /// @notice The version of what clients call.
    function version() external pure returns (uint256) {
        return 1;
    }

    /// @notice Stops deposits. Money goes back, and fees are settled, all the same.
    function pause() external onlyRole(MAINTAINER_ROLE) {
        _pause();
    }

    /// @notice Takes deposits again.
    function unpause() external onlyRole(MAINTAINER_ROLE) {
        _unpause();
    }

    /// @notice Sets the contract of settlement, once: another could take all deposits.
    function updateSettlement(address newSettlement) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (settlement != address(0)) revert AlreadySet();
        settlement = newSettlement;
        emit SettlementUpdated(newSettlement);
    }

    // Users.

    /// @notice Refuses legacy signatures, which bound no cost, in the caller's name; or takes them again.
    function setTypedOnly(bool isTypedOnly_) external {
        isTypedOnly[msg.sender] = isTypedOnly_;
        emit TypedOnlySet(msg.sender, isTypedOnly_);
    }

    // The contract of settlement.

    /// @notice Opens an account with what is paid.
    function addAccount(address user, address node) external payable onlySettlement whenNotPaused {
        bytes32 key = _key(user, node);
        if (!_keys.add(key)) revert AccountAlreadyExists(user, node);
        Account storage account = _accounts[key];
        (account.user, account.node, account.balance) = (user, node, msg.value);
        _emit(account);
    }

    /// @notice Closes an account that is empty; one that is not there is no error.
    function deleteAccount(address user, address node) external onlySettlement {
        bytes32 key = _key(user, node);
        if (!_keys.contains(key)) return;
        if (_accounts[key].balance != 0) revert BalanceLeft(user, node);
        _keys.remove(key);
        delete _accounts[key];
    }

    /// @notice Adds what is paid, and keeps so much of what is on its way back, the newest first.
    function deposit(address user, address node, uint256 cancelRetrievingAmount)
        external
        payable
        onlySettlement
        whenNotPaused
    {
        Account storage account = _account(user, node);
        if (cancelRetrievingAmount > account.pendingRefund) revert InsufficientBalance(user, node);
        _cancel(account, cancelRetrievingAmount);
        account.balance += msg.value;
        _emit(account);
    }

    /// @notice Asks for all that is not yet on its way back.
    function request(address user, address node) external onlySettlement {
        Account storage account = _account(user, node);
        uint256 amount = account.balance - account.pendingRefund;
        if (amount == 0) return;
        account.pendingRefund = account.balance;
        uint256 count = account.refunds.length;
        if (count == MAX_REFUNDS) {
            Refund storage last = account.refunds[count - 1];
            last.amount += amount;
            last.createdAt = block.timestamp;
        } else {
            account.refunds.push(Refund(count, amount, block.timestamp, false));
        }
        _emit(account);
    }

    /// @notice Pays back what has waited long enough.
    function process(address user, address node)
        external
        onlySettlement
        nonReentrant
        returns (uint256 totalAmount, uint256 balance, uint256 pendingRefund)
    {
        Account storage account = _account(user, node);
        uint256 count = account.refunds.length;
        uint256 kept;
        // They are in the order of their time.
        for (uint256 index = 0; index < count; ++index) {
            Refund memory refund = account.refunds[index];
            if (block.timestamp >= refund.createdAt + lockTime) {
                totalAmount += refund.amount;
            } else {
                refund.index = kept;
                account.refunds[kept++] = refund;
            }
        }
        for (uint256 index = kept; index < count; ++index) {
            account.refunds.pop();
        }
        balance = account.balance - totalAmount;
        pendingRefund = account.pendingRefund - totalAmount;
        (account.balance, account.pendingRefund) = (balance, pendingRefund);
        if (totalAmount == 0) return (0, balance, pendingRefund);
        _emit(account);
        _pay(msg.sender, totalAmount);
    }

    // Nodes.

    /// @notice Takes a fee with the signature that clients send, EIP-191 over (nonce, user, node). It bounds no cost: the deposit does.
    function settlementFees(SettlementProof calldata proof) external nonReentrant {
        SettlementData calldata data = proof.data;
        if (isTypedOnly[data.user]) revert LegacyRefused(data.user);
        bytes32 hash =
            MessageHashUtils.toEthSignedMessageHash(keccak256(abi.encode(data.nonce, data.user, msg.sender)));
        _settle(proof, hash);
    }

    /// @notice Takes a fee within what the user has allowed.
    function settleAuthorized(Authorization calldata allowed, SettlementProof calldata proof) external nonReentrant {
        SettlementData calldata data = proof.data;
        if (
            allowed.user != data.user || allowed.node != msg.sender || allowed.kind != KIND
                || allowed.nonce != data.nonce
        ) revert AuthorizationMismatch();
        if (block.timestamp > allowed.deadline) revert DeadlinePassed(allowed.deadline);
        if (data.cost > allowed.maxFee) revert FeeTooHigh(data.cost, allowed.maxFee);
        _settle(proof, _hashTypedDataV4(keccak256(abi.encode(AUTHORIZATION_TYPEHASH, allowed))));
    }

    // Reading.

    /// @notice What a user has at a node.
    function getAccount(address user, address node) external view returns (Account memory) {
        return _read(_account(user, node));
    }

    /// @notice Of it, what is on its way back.
    function getAccountPendingRefund(address user, address node) external view returns (uint256) {
        return _account(user, node).pendingRefund;
    }

    /// @notice All accounts. Not for contracts: the list has no bound.
    function getAllAccounts() external view returns (Account[] memory accounts) {
        uint256 count = _keys.length();
        accounts = new Account[](count);
        for (uint256 index = 0; index < count; ++index) {
            accounts[index] = _read(_accounts[_keys.at(index)]);
        }
    }

    /// @notice Whether a user has an account for a node.
    function accountExists(address user, address node) external view returns (bool) {
        return _keys.contains(_key(user, node));
    }

    /// @notice Whether a nonce is settled or too far below the highest.
    function isNonceSpent(address user, address node, uint256 nonce) external view returns (bool) {
        bytes32 key = _key(user, node);
        return _isTooLow(key, nonce) || _used[key][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    function _settle(SettlementProof calldata proof, bytes32 userHash) private {
        SettlementData calldata data = proof.data;
        if (!isNode(msg.sender)) revert NodeNotActive();
        bytes32 nodeHash = MessageHashUtils.toEthSignedMessageHash(keccak256(abi.encode(data)));
        if (!SignatureChecker.isValidSignatureNow(msg.sender, nodeHash, proof.signature)) {
            revert InvalidNodeSignature(nodeHash, msg.sender);
        }
        if (!SignatureChecker.isValidSignatureNow(data.user, userHash, data.userSignature)) {
            revert InvalidUserSignature(userHash, data.nonce, data.user, msg.sender);
        }
        Account storage account = _account(data.user, msg.sender);
        _useNonce(_key(data.user, msg.sender), data.nonce);
        uint256 balance = account.balance;
        if (data.cost > balance) revert InsufficientBalance(data.user, msg.sender);
        // What is on its way back pays last.
        uint256 free = balance - account.pendingRefund;
        if (data.cost > free) _cancel(account, data.cost - free);
        account.balance = balance - data.cost;
        _emit(account);
        emit FeeSettled(data.user, msg.sender, data.nonce, data.id, data.cost);
        ISettlement(settlement).settlement(data.user, data.cost);
        _pay(msg.sender, data.cost);
    }

    function _useNonce(bytes32 key, uint256 nonce) private {
        if (_isTooLow(key, nonce)) revert NonceTooLow();
        uint256 bit = 1 << (nonce & 0xff);
        uint256 word = _used[key][nonce >> 8];
        if (word & bit != 0) revert NonceUsed(nonce);
        _used[key][nonce >> 8] = word | bit;
        if (nonce > _highest[key]) _highest[key] = nonce;
    }

    function _isTooLow(bytes32 key, uint256 nonce) private view returns (bool) {
        uint256 highest = _highest[key];
        return nonce < highest && highest - nonce >= NONCE_WINDOW;
    }

    /// Keeps so much of what is on its way back, the newest first. There is at least that much.
    function _cancel(Account storage account, uint256 amount) private {
        account.pendingRefund -= amount;
        while (amount != 0) {
            Refund storage last = account.refunds[account.refunds.length - 1];
            if (last.amount > amount) {
                last.amount -= amount;
                return;
            }
            amount -= last.amount;
            account.refunds.pop();
        }
    }

    function _read(Account storage stored) private view returns (Account memory account) {
        account = stored;
        account.nonce = _highest[_key(account.user, account.node)];
    }

    function _account(address user, address node) private view returns (Account storage) {
        bytes32 key = _key(user, node);
        if (!_keys.contains(key)) revert AccountNotExists(user, node);
        return _accounts[key];
    }

    function _key(address user, address node) private pure returns (bytes32) {
        return keccak256(abi.encode(user, node));
    }

    function _emit(Account storage account) private {
        emit BalanceUpdated(account.user, account.node, account.balance, account.pendingRefund);
    }

    function _pay(address to, uint256 amount) private {
        (bool success,) = to.call{value: amount}("");
        if (!success) revert PaymentFailed(to);
    }
}
