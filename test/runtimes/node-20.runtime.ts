import { testNode } from "./node.ts";

testNode(20);
