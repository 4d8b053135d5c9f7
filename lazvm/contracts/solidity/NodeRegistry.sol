// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

/// @notice Whether a node serves.
enum NodeStatus {
    None,
    Active,
    Removed
}

/// @notice A node, in the shape that clients of LazAI read.
struct NodeInfo {
    address nodeAddress;
    string url;
    NodeStatus status;
    /// Wei that it may claim.
    uint256 amount;
    uint256 jobsCount;
    string publicKey;
}

/// @title The nodes of a service
/// @notice Maintainers add and remove nodes. A node's jobs and claims survive its removal.
abstract contract NodeRegistry is AccessControl {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @notice A node serves from now on.
    event NodeAdded(address indexed nodeAddress);
    /// @notice A node no longer serves.
    event NodeRemoved(address indexed nodeAddress);

    error NodeAlreadyAdded();
    error NodeNotActive();

    bytes32 public constant MAINTAINER_ROLE = keccak256("MAINTAINER_ROLE");

    struct Node {
        NodeStatus status;
        uint256 amount;
        uint256 jobsCount;
        string url;
        string publicKey;
    }

    mapping(address node => Node) internal _nodes;
    EnumerableSet.AddressSet private _all;
    EnumerableSet.AddressSet private _active;

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MAINTAINER_ROLE, admin);
    }

    /// @notice Lets a node serve.
    function addNode(address nodeAddress, string calldata url, string calldata publicKey)
        external
        onlyRole(MAINTAINER_ROLE)
    {
        if (!_active.add(nodeAddress)) revert NodeAlreadyAdded();
        _all.add(nodeAddress);
        Node storage node = _nodes[nodeAddress];
        (node.status, node.url, node.publicKey) = (NodeStatus.Active, url, publicKey);
        emit NodeAdded(nodeAddress);
    }

    /// @notice Stops a node from serving.
    function removeNode(address nodeAddress) external onlyRole(MAINTAINER_ROLE) {
        if (!_active.remove(nodeAddress)) revert NodeNotActive();
        _nodes[nodeAddress].status = NodeStatus.Removed;
        emit NodeRemoved(nodeAddress);
    }

    /// @notice Whether a node serves.
    function isNode(address nodeAddress) public view returns (bool) {
        return _nodes[nodeAddress].status == NodeStatus.Active;
    }

    /// @notice What is known about a node; of an unknown one, only its address is filled in.
    function getNode(address nodeAddress) public view returns (NodeInfo memory) {
        Node storage node = _nodes[nodeAddress];
        return NodeInfo(nodeAddress, node.url, node.status, node.amount, node.jobsCount, node.publicKey);
    }

    /// @notice All nodes that ever served.
    function nodeList() external view returns (address[] memory) {
        return _all.values();
    }

    /// @notice One of the nodes that ever served; panics where there are not so many.
    function nodeListAt(uint256 index) external view returns (NodeInfo memory) {
        return getNode(_all.at(index));
    }

    /// @notice How many nodes ever served.
    function nodesCount() external view returns (uint256) {
        return _all.length();
    }

    /// @notice The nodes that serve.
    function activeNodeList() external view returns (address[] memory) {
        return _active.values();
    }

    /// @notice One of the nodes that serve; panics where there are not so many.
    function activeNodeListAt(uint256 index) external view returns (NodeInfo memory) {
        return getNode(_active.at(index));
    }

    /// @notice How many nodes serve.
    function activeNodesCount() public view returns (uint256) {
        return _active.length();
    }

    function _activeAt(uint256 index) internal view returns (address) {
        return _active.at(index);
    }
}
