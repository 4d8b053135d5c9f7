// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {AIProcess} from "./AIProcess.sol";

/// @notice A user, in the shape that clients of LazAI read.
struct User {
    address addr;
    /// What may be withdrawn or deposited for nodes.
    uint256 availableBalance;
    /// That, and what is deposited for nodes.
    uint256 totalBalance;
    address[] queryNodes;
    address[] inferenceNodes;
    address[] trainingNodes;
}

/// @title Users and their money
/// @notice At any time the contract's wei are the sum of all available balances, and a user's total balance is the available one
/// with its accounts at the three processes. Only the user moves it, and nodes within what the processes check.
///
/// Nobody can change this code, nor a process once it is set.
contract Settlement is AccessControl, Pausable, ReentrancyGuard {
    using EnumerableSet for EnumerableSet.AddressSet;

    event UserAdded(address indexed addr);
    event UserDeleted(address indexed addr);
    event Deposited(address indexed addr, uint256 amount);
    event Withdrawn(address indexed addr, uint256 amount);
    /// @notice Money has come back from the nodes of a process.
    event Retrieved(address indexed addr, address indexed process, uint256 amount);
    event QueryUpdated(address newQuery);
    event InferenceUpdated(address newInference);
    event TrainingUpdated(address newTraining);

    error AlreadySet();
    error BalanceLeft(address user, uint256 amount);
    error InsufficientBalance(address user);
    error NotProcess(address caller);
    error PaymentFailed(address to);
    error TooManyNodes();
    error UserAlreadyExists(address user);
    error UserNotExists(address user);

    bytes32 public constant MAINTAINER_ROLE = keccak256("MAINTAINER_ROLE");
    /// @notice Most nodes of a kind that a user has accounts for.
    uint256 public constant MAX_NODES = 64;

    address public query;
    address public inference;
    address public training;

    mapping(address user => User) private _users;
    EnumerableSet.AddressSet private _list;

    modifier onlyProcess() {
        if (msg.sender != query && msg.sender != inference && msg.sender != training) revert NotProcess(msg.sender);
        _;
    }

    /// @notice Processes may be zero, to be set once later.
    constructor(address admin, address query_, address inference_, address training_) {
        (query, inference, training) = (query_, inference_, training_);
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MAINTAINER_ROLE, admin);
    }

    /// @notice Takes money from processes alone.
    receive() external payable onlyProcess {}

    /// @notice The version of what clients call.
    function version() external pure returns (uint256) {
        return 1;
    }

    /// @notice Stops deposits. Money goes back all the same.
    function pause() external onlyRole(MAINTAINER_ROLE) {
        _pause();
    }

    /// @notice Takes deposits again.
    function unpause() external onlyRole(MAINTAINER_ROLE) {
        _unpause();
    }

    /// @notice Sets the process of queries, once.
    function updateQuery(address newQuery) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (query != address(0)) revert AlreadySet();
        query = newQuery;
        emit QueryUpdated(newQuery);
    }

    /// @notice Sets the process of inference, once.
    function updateInference(address newInference) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (inference != address(0)) revert AlreadySet();
        inference = newInference;
        emit InferenceUpdated(newInference);
    }

    /// @notice Sets the process of training, once.
    function updateTraining(address newTraining) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (training != address(0)) revert AlreadySet();
        training = newTraining;
        emit TrainingUpdated(newTraining);
    }

    /// @notice Makes the caller a user, with what it pays.
    function addUser() external payable whenNotPaused {
        if (!_list.add(msg.sender)) revert UserAlreadyExists(msg.sender);
        User storage user = _users[msg.sender];
        (user.addr, user.availableBalance, user.totalBalance) = (msg.sender, msg.value, msg.value);
        emit UserAdded(msg.sender);
        if (msg.value != 0) emit Deposited(msg.sender, msg.value);
    }

    /// @notice Forgets the caller, who must have got all its money back first.
    function deleteUser() external nonReentrant {
        User storage user = _user(msg.sender);
        if (user.totalBalance != 0) revert BalanceLeft(msg.sender, user.totalBalance);
        (address[] memory queries, address[] memory inferences, address[] memory trainings) =
            (user.queryNodes, user.inferenceNodes, user.trainingNodes);
        delete _users[msg.sender];
        _list.remove(msg.sender);
        emit UserDeleted(msg.sender);
        _close(query, queries);
        _close(inference, inferences);
        _close(training, trainings);
    }

    /// @notice Adds what is paid to what the caller may use.
    function deposit() external payable whenNotPaused {
        User storage user = _user(msg.sender);
        user.availableBalance += msg.value;
        user.totalBalance += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    /// @notice Pays the caller.
    function withdraw(uint256 amount) external nonReentrant {
        User storage user = _user(msg.sender);
        if (user.availableBalance < amount) revert InsufficientBalance(msg.sender);
        user.availableBalance -= amount;
        user.totalBalance -= amount;
        emit Withdrawn(msg.sender, amount);
        (bool success,) = msg.sender.call{value: amount}("");
        if (!success) revert PaymentFailed(msg.sender);
    }

    /// @notice Deposits for a node of queries. What is on its way back from it is used first.
    function depositQuery(address node, uint256 amount) external nonReentrant whenNotPaused {
        _deposit(query, _user(msg.sender).queryNodes, node, amount);
    }

    /// @notice Deposits for a node of inference. What is on its way back from it is used first.
    function depositInference(address node, uint256 amount) external nonReentrant whenNotPaused {
        _deposit(inference, _user(msg.sender).inferenceNodes, node, amount);
    }

    /// @notice Deposits for a node of training. What is on its way back from it is used first.
    function depositTraining(address node, uint256 amount) external nonReentrant whenNotPaused {
        _deposit(training, _user(msg.sender).trainingNodes, node, amount);
    }

    /// @notice Takes back what nodes of queries have held long enough, and asks for the rest.
    function retrieveQuery(address[] calldata nodes) external nonReentrant {
        _retrieve(query, nodes);
    }

    /// @notice Takes back what nodes of inference have held long enough, and asks for the rest.
    function retrieveInference(address[] calldata nodes) external nonReentrant {
        _retrieve(inference, nodes);
    }

    /// @notice Takes back what nodes of training have held long enough, and asks for the rest.
    function retrieveTraining(address[] calldata nodes) external nonReentrant {
        _retrieve(training, nodes);
    }

    /// @notice Takes a fee off a user's total balance; a process has paid it.
    function settlement(address addr, uint256 cost) external onlyProcess {
        User storage user = _user(addr);
        if (user.totalBalance - user.availableBalance < cost) revert InsufficientBalance(addr);
        user.totalBalance -= cost;
    }

    /// @notice What a user has; reverts if there is no such user, which clients rely on.
    function getUser(address user) external view returns (User memory) {
        return _user(user);
    }

    /// @notice All users. Not for contracts: the list has no bound.
    function getAllUsers() external view returns (User[] memory users) {
        uint256 count = _list.length();
        users = new User[](count);
        for (uint256 index = 0; index < count; ++index) {
            users[index] = _users[_list.at(index)];
        }
    }

    function _deposit(address process, address[] storage nodes, address node, uint256 amount) private {
        User storage user = _users[msg.sender];
        AIProcess to = AIProcess(process);
        bool exists = to.accountExists(msg.sender, node);
        uint256 kept = exists ? Math.min(amount, to.getAccountPendingRefund(msg.sender, node)) : 0;
        uint256 moved = amount - kept;
        if (user.availableBalance < moved) revert InsufficientBalance(msg.sender);
        user.availableBalance -= moved;
        if (exists) {
            to.deposit{value: moved}(msg.sender, node, kept);
        } else {
            if (nodes.length == MAX_NODES) revert TooManyNodes();
            nodes.push(node);
            to.addAccount{value: moved}(msg.sender, node);
        }
    }

    function _retrieve(address process, address[] calldata nodes) private {
        User storage user = _user(msg.sender);
        uint256 amount;
        for (uint256 index = 0; index < nodes.length; ++index) {
            (uint256 back,,) = AIProcess(process).process(msg.sender, nodes[index]);
            amount += back;
            AIProcess(process).request(msg.sender, nodes[index]);
        }
        user.availableBalance += amount;
        emit Retrieved(msg.sender, process, amount);
    }

    function _close(address process, address[] memory nodes) private {
        for (uint256 index = 0; index < nodes.length; ++index) {
            AIProcess(process).deleteAccount(msg.sender, nodes[index]);
        }
    }

    function _user(address user) private view returns (User storage) {
        if (!_list.contains(user)) revert UserNotExists(user);
        return _users[user];
    }
}
