import { serve } from "../provider";
import { localStackDir } from "./account";
import { replicator } from "./control";
import { awsProvider } from "./provider";

serve(awsProvider({ stackDir: localStackDir, control: replicator }));
